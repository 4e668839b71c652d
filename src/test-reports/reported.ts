import { existsSync } from "node:fs";
import { dirname, isAbsolute, relative, resolve, sep } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { isInside, NotAPlainFile, openPlain } from "../lib/plain-file.ts";
import { CodedError } from "../model/coded-error.ts";
import type { ErrorCode } from "../model/error-codes/catalogue.ts";
import type { CrashedSuite, TestCase, TestStatus } from "../model/test-results.ts";

/** A test as one report describes it. */
export interface ReportedTest {
  /** Its describe blocks, outermost first, then its own name. */
  titles: readonly string[];
  status: TestStatus;
  durationMs: number;
  /** As in the report: absolute, or relative to a folder that only the runner knows. */
  file?: string;
  line?: number;
  project?: string;
  /** The number of attempts; 1 without retries. */
  attempts: number;
  message?: string;
  stack?: string;
}

/** Receives the findings of a reader one at a time, so that no report has to be in memory as a whole. */
export interface Findings {
  test(test: ReportedTest): void;
  crashed(suite: CrashedSuite): void;
  /** The header of the report has more tests than it describes. @param tests how many the header has */
  declared?(tests: number): void;
}

/** Used as the file of a failure that belongs to none. */
export const wholeRun = "(the whole run)";

const longestMessage = { lines: 5, characters: 1_000 };
const longestStack = 8_000;

const stackLine = /^\s+at /;

/** The beginning of a failure's text, as plain text without the stack. */
export function messageOf(text: string): string {
  const lines = stripVTControlCharacters(text.slice(0, longestStack)).trim().split("\n").slice(0, longestMessage.lines);
  const stackBegins = lines.findIndex((line) => stackLine.test(line));
  const message = (stackBegins > 0 ? lines.slice(0, stackBegins) : lines).join("\n").trim();
  return message.length > longestMessage.characters ? `${message.slice(0, longestMessage.characters)}…` : message;
}

export function stackOf(text: string): string {
  const plain = stripVTControlCharacters(text.slice(0, longestStack)).trim();
  return text.length > longestStack ? `${plain}\n… (cut)` : plain;
}

/** The message of a flaky test whose report has only the last attempt. */
export function passedLaterMessage(attempts: number): string {
  return `passed in attempt ${attempts}; the report does not say why those before failed`;
}

/** The line in the test's own file where the stack left it, for an annotation. */
export function lineIn(stack: string | undefined, file: string | undefined): number | undefined {
  const name = file?.split(/[\\/]/).at(-1);
  if (stack === undefined || !name) return undefined;
  const at = stack.indexOf(`${name}:`);
  const line = at < 0 ? Number.NaN : Number.parseInt(stack.slice(at + name.length + 1), 10);
  return line > 0 ? line : undefined;
}

export function nameOf(titles: readonly string[]): string {
  return titles.filter((title) => title !== "").join(" › ") || "(a test without a name)";
}

/** For the summary; `file` is the test's own, relative to the workspace. */
export function testCase(test: ReportedTest, file: string | undefined): TestCase {
  const { titles, ...rest } = test;
  const line = test.line ?? lineIn(test.stack, test.file);
  const source = { ...(file === undefined ? {} : { file }), ...(line === undefined ? {} : { line }) };
  return { ...rest, ...source, name: nameOf(titles), durationMs: Math.round(test.durationMs) };
}

/** A report that cannot be trusted. Nothing of its content counts. */
export class UnreadableReport extends CodedError {
  override name = "UnreadableReport";
  /** As configured; a glob if it matched nothing. */
  readonly file: string;
  /** `line 3, column 14`, `byte 4096` or `testResults[3].status`, if known. */
  readonly position: string | undefined;

  constructor(code: ErrorCode, file: string, cause: string, position?: string) {
    super(code, position === undefined ? `${file}: ${cause}` : `${file}, ${position}: ${cause}`);
    this.file = file;
    this.position = position;
  }
}

const pieceBytes = 128 * 1024;

/**
 * The text of a file in chunks, starting at the first character that isn't white space. There is at least one chunk. Leaving the
 * loop closes the file. `name` is the file's name in errors.
 * @throws UnreadableReport if it is empty, not UTF-8, or a link
 */
export async function* readText(path: string, name: string, workspace = dirname(path)): AsyncGenerator<string, void, void> {
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
      if (error instanceof TypeError) throw new UnreadableReport("EA6004", name, "not UTF-8", `after byte ${bytes}`);
      throw error;
    }
  }

  const file = await openReport(path, name, workspace);
  const chunks: AsyncIterable<Buffer> = file.createReadStream({ highWaterMark: pieceBytes });
  for await (const chunk of chunks) {
    const text = begin(decode(chunk));
    if (text !== "") yield text;
    bytes += chunk.length;
  }
  decode();
  if (!begun) throw new UnreadableReport("EA6004", name, "empty");
}

/**
 * Folders on the way may be links inside the workspace, as some build tools create them. A configured path outside it is its own
 * root.
 */
async function openReport(path: string, name: string, workspace: string) {
  const place = isInside(workspace, path) ? { root: workspace, linkedFolders: true } : { root: dirname(path) };
  try {
    return await openPlain(path, { ...place, hardLinks: true });
  } catch (error) {
    if (!(error instanceof NotAPlainFile)) throw error;
    throw new UnreadableReport(
      "EA6004",
      name,
      `not read: ${error.message.replace(path, "it")}. The tests must write the report file itself to this path`,
    );
  }
}

/** Makes an absolute path inside the workspace relative to it, with slashes; other paths stay unchanged. */
export function fromWorkspace(workspace: string, path: string): string {
  if (!isAbsolute(path)) return path;
  const inside = relative(workspace, path);
  return inside === ".." || inside.startsWith(`..${sep}`) || isAbsolute(inside) ? path : inside.split(sep).join("/");
}

/**
 * Converts a report's file names to workspace paths, so that annotations find the file. A relative name is resolved where the
 * command ran, if that file exists. Otherwise only the runner knows its base, and it stays unchanged.
 */
export function sourceFiles(workspace: string, cwd: string): (file: string) => string {
  const known = new Map<string, string>();
  return (file) => {
    const path = known.get(file) ?? pathFromWorkspace(workspace, cwd, file);
    known.set(file, path);
    return path;
  };
}

function pathFromWorkspace(workspace: string, cwd: string, file: string): string {
  const path = resolve(cwd, file);
  return isAbsolute(file) || existsSync(path) ? fromWorkspace(workspace, path) : file;
}
