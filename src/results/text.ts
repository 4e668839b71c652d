import { createReadStream } from "node:fs";
import { UnreadableReport } from "./unreadable.ts";

const pieceBytes = 128 * 1024;

/**
 * The text of a file in pieces, from its first character that is not white space. There is at least one piece. Leaving the loop
 * closes the file. `name` stands for the file in the errors: UnreadableReport when it is empty, or not UTF-8.
 */
export async function* readText(path: string, name: string): AsyncGenerator<string, void, void> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let bytes = 0;
  let begun = false;

  function begin(text: string): string {
    const rest = begun ? text : text.trimStart();
    begun ||= rest !== "";
    return rest;
  }

  function decode(chunk?: Buffer): string {
    try {
      return decoder.decode(chunk, { stream: chunk !== undefined });
    } catch (error) {
      if (error instanceof TypeError) throw new UnreadableReport(name, "not UTF-8", `after byte ${bytes}`);
      throw error;
    }
  }

  const chunks: AsyncIterable<Buffer> = createReadStream(path, { highWaterMark: pieceBytes });
  for await (const chunk of chunks) {
    const text = begin(decode(chunk));
    if (text !== "") yield text;
    bytes += chunk.length;
  }
  decode();
  if (!begun) throw new UnreadableReport(name, "empty");
}
