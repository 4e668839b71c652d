/** The build puts the numbers of the bundle's files in place of this text. */
const numbersOfFiles: string = "the numbers of all files";

/** webpack's function that reads a file of the bundle, without running what is in it. */
declare const __webpack_chunk_load__: (number: number) => Promise<unknown>;

let reading: Promise<unknown> | undefined;

/**
 * Reads the whole bundle. Called before the project's first process: it could change or remove files that are only loaded later, and
 * then its code would run in this process, or its test data could not be deleted. Sources that are not bundled are not read ahead.
 */
export async function readOwnCode(): Promise<void> {
  if (!/^\d/.test(numbersOfFiles)) return;
  reading ??= Promise.all(numbersOfFiles.split(",").map((number) => __webpack_chunk_load__(Number(number))));
  await reading;
}
