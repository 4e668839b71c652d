import { finished } from "node:stream/promises";
import { defaultGraceMs, spawnTree } from "./tree.ts";

/** A token is much shorter. */
const longestOutput = 64 * 1024;
/** Enough to see why a command failed. */
const longestComplaint = 600;

/** Why a command gave nothing. Never contains what it printed to its standard output. */
export class NoOutput extends Error {
  override name = "NoOutput";
}

/**
 * Runs a command whose standard output is a secret: it is kept in memory only, and neither logged nor shown. Stops everything that
 * the command left running.
 * @param options `onSecret`: called with the output before anything else may show it
 * @returns the output, without blanks around it
 * @throws NoOutput; the signal's reason
 */
export async function readSecretOutput(
  { command, cwd, env }: { command: string; cwd: string; env: Record<string, string> },
  { signal, timeoutMs, onSecret }: { signal: AbortSignal; timeoutMs: number; onSecret: (secret: string) => void },
): Promise<string> {
  signal.throwIfAborted();
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
  const tree = await spawnTree(command, cwd, env);
  const read = ["", ""];
  for (const [index, stream] of tree.streams.entries())
    stream.on("data", (chunk: Buffer) => {
      // What is beyond the limit is read and dropped, so that the command doesn't wait for a reader.
      if ((read[index] ?? "").length <= longestOutput) read[index] += chunk.toString("utf8");
    });
  // A stream that breaks has ended, too. How the command ended is known from its status.
  const closed = Promise.all(tree.streams.map((stream) => finished(stream).catch(() => undefined)));
  const aborted = Promise.withResolvers<"aborted">();
  const abort = () => aborted.resolve("aborted");
  deadline.addEventListener("abort", abort, { once: true });
  if (deadline.aborted) abort();
  const exit = await Promise.race([tree.exited, aborted.promise]);
  deadline.removeEventListener("abort", abort);
  await tree.end(exit === "aborted" ? 0 : defaultGraceMs);
  await closed;
  const text = (read[0] ?? "").trim();
  // Also if it failed: what it printed before may be the secret, and its complaint may repeat it.
  for (const part of new Set([text, ...text.split(/\s+/).filter(mayBeSecret)])) if (part !== "") onSecret(part);
  if (exit === "aborted") {
    signal.throwIfAborted();
    throw new NoOutput(`did not end within ${timeoutMs / 1000} s`);
  }
  const said = (read[1] ?? "").trim().slice(-longestComplaint).replaceAll(/\s+/g, " ");
  if (exit.code !== 0)
    throw new NoOutput(
      `${exit.signal === null ? `ended with exit status ${exit.code}` : `was ended by ${exit.signal}`}${said === "" ? "" : `: ${said}`}`,
    );
  if (text === "") throw new NoOutput(`printed nothing${said === "" ? "" : `; its standard error says: ${said}`}`);
  return text;
}

/** Hiding each word of an error message would hide these words everywhere. */
function mayBeSecret(word: string): boolean {
  return word.length >= 20 || (word.length >= 8 && /\d/.test(word));
}
