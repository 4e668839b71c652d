import { UnreadableReport } from "../../reported.ts";
import { type Branch, type Outline, outlineReading, type RowReader, rowReading } from "./rows.ts";
import { deepest, JsonMistake, JsonScanner, type JsonSink, TooDeep } from "./scanner.ts";

/** A text that can be read several times. */
export type Text = () => AsyncIterable<string>;

/** The document without its rows. @throws UnreadableReport if the text is not JSON */
export async function readOutline(file: string, text: Text, branches: readonly Branch[]): Promise<Outline> {
  const reading = outlineReading(file, branches);
  await scan(file, text, reading);
  return reading.outline;
}

/** @param outline of the same text @throws UnreadableReport if the text is not JSON */
export async function readRows(file: string, text: Text, branch: Branch, outline: Outline, rows: RowReader): Promise<void> {
  await scan(file, text, rowReading(file, branch, outline, rows));
}

async function scan(file: string, text: Text, sink: JsonSink): Promise<void> {
  const scanner = new JsonScanner(sink);
  try {
    for await (const piece of text()) scanner.write(piece);
    scanner.end();
  } catch (error) {
    throw await explained(file, text, error);
  }
}

/** Lines are only counted if there is a mistake. */
async function explained(file: string, text: Text, error: unknown): Promise<unknown> {
  if (error instanceof TooDeep) return new UnreadableReport("EA6004", file, `too deep: more than ${deepest} nested values`);
  if (!(error instanceof JsonMistake)) return error;
  let [before, line, lineBegins] = [0, 1, 0];
  for await (const piece of text()) {
    for (let end = piece.indexOf("\n"); end >= 0 && before + end < error.at; end = piece.indexOf("\n", end + 1)) {
      line++;
      lineBegins = before + end + 1;
    }
    before += piece.length;
    if (before > error.at) break;
  }
  return unreadable(file, error, line, error.at - lineBegins + 1);
}

export function unreadable(file: string, mistake: JsonMistake, line: number, column: number): UnreadableReport {
  return mistake.truncated
    ? new UnreadableReport("EA6004", file, `truncated: ${mistake.message}`, `line ${line}`)
    : new UnreadableReport("EA6004", file, `malformed JSON: ${mistake.message}`, `line ${line}, column ${column}`);
}
