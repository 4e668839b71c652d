import { UnreadableReport } from "../../reported.ts";

/** A tool that writes one result per line has no longer ones. The rest of a longer line is dropped, and `cut` says so. */
const longestLine = 16 * 1024 * 1024;

export interface Line {
  /** Without its end. */
  text: string;
  /** From 1. */
  number: number;
  cut: boolean;
}

/** Calls `onLine` for each line in order, with one line in memory at a time. */
export async function eachLine(text: AsyncIterable<string>, onLine: (line: Line) => void): Promise<void> {
  let parts: string[] = [];
  let length = 0;
  let number = 0;

  function add(part: string): void {
    if (length < longestLine) parts.push(part.slice(0, longestLine - length));
    length += part.length;
  }

  function end(): void {
    number++;
    const line = parts.join("");
    const cut = length > longestLine;
    parts = [];
    length = 0;
    onLine({ text: line.endsWith("\r") ? line.slice(0, -1) : line, number, cut });
  }

  for await (const piece of text) {
    let from = 0;
    for (let to = piece.indexOf("\n"); to >= 0; to = piece.indexOf("\n", from)) {
      add(piece.slice(from, to));
      end();
      from = to + 1;
    }
    add(piece.slice(from));
  }
  if (length > 0) end();
}

/** The value of a line that is one JSON object; `undefined` for any other text. */
export function parseJsonObject(line: string): object | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null ? value : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** How many lines of another program may stand before the first line of a report. */
const mostLinesBefore = 50;

/** The first line that is a JSON object, to recognise a format by. A document over several lines has none. */
export function firstObject(start: string): object | undefined {
  if (/^[<[]/.test(start)) return undefined;
  const lines = start.split("\n", mostLinesBefore);
  const first = lines.find((line) => line.startsWith("{"));
  return first === undefined ? undefined : parseJsonObject(first);
}

/**
 * Calls `onObject` for each line that begins a JSON object, and `onText` for each other line: programs print between the lines of
 * a report.
 * @throws UnreadableReport for a line that begins an object but is none
 */
export async function eachObject(
  file: string,
  text: AsyncIterable<string>,
  onObject: (object: object, line: number) => void,
  onText: (line: string) => void = () => undefined,
): Promise<void> {
  /** The last line of a file that was cut is incomplete, so a bad line is only reported when the next one begins. */
  let bad: Line | undefined;
  await eachLine(text, (line) => {
    if (bad) throw malformed(file, bad, "malformed JSON");
    if (!line.text.startsWith("{")) {
      onText(line.text);
      return;
    }
    const object = line.cut ? undefined : parseJsonObject(line.text);
    if (object) onObject(object, line.number);
    else bad = line;
  });
  if (bad) throw malformed(file, bad, "truncated: the JSON ends too early");
}

function malformed(file: string, { number, cut }: Line, cause: string): UnreadableReport {
  const long = `a line of more than ${longestLine / 1024 / 1024} MiB`;
  return new UnreadableReport("EA6004", file, cut ? long : cause, `line ${number}`);
}

/** The value of a key, if it is a text. */
export function textIn(object: object, key: string): string | undefined {
  const value: unknown = Reflect.get(object, key);
  return typeof value === "string" ? value : undefined;
}

/** The value of a key, if it is a number. */
export function numberIn(object: object, key: string): number | undefined {
  const value: unknown = Reflect.get(object, key);
  return typeof value === "number" && Number.isFinite(value) ? value : undefined;
}

/** The value of a key, if it is an object. */
export function objectIn(object: object, key: string): object | undefined {
  const value: unknown = Reflect.get(object, key);
  return typeof value === "object" && value !== null ? value : undefined;
}
