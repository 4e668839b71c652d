import { type Dialect, dialects } from "./dialects.ts";

/**
 * Finds the places in the source that a stack or message names. Everything here takes at most a time proportional to the text: a
 * test decides what is in it.
 */

export interface Frame {
  /** As written, without a scheme such as `file://`. */
  file: string;
  line: number;
  dialect: Dialect;
  /** Belongs to a library, the runner or the language itself. */
  library: boolean;
}

/** No stack that people read has more. */
const mostFrames = 60;
const longestStack = 32_000;
const longestLine = 2_000;
const longestPath = 1_024;

const byEnding = new Map(dialects.flatMap((dialect) => dialect.endings.map((ending) => [ending, dialect] as const)));

/**
 * The end of a file's name, and the line number. .NET writes `:line 12` in the language of the system. A development server adds a
 * query to its files.
 */
const fileAndLine = /\.([A-Za-z+]{1,7})(?:\?[\w=&.%-]{0,100})?(", line |, line | line |:\p{L}{1,12} |:|\(| )(\d{1,7})(?!\d)/gu;

const separatorOf = {
  '", line ': "quote",
  ", line ": "quote",
  " line ": "word",
  ":": "colon",
  "(": "parenthesis",
  " ": "space",
} as const;

export function framesIn(stack: string): Frame[] {
  const frames: Frame[] = [];
  for (const line of linesOf(stack.slice(0, longestStack))) {
    let from = 0;
    for (const match of line.matchAll(fileAndLine)) {
      const frame = frameAt(line, from, match);
      if (frame) frames.push(frame);
      from = match.index + match[0].length;
      if (frames.length >= mostFrames) return frames;
    }
  }
  return frames;
}

function* linesOf(text: string): Generator<string> {
  let start = 0;
  while (start < text.length) {
    const end = text.indexOf("\n", start);
    const until = end < 0 ? text.length : end;
    yield text.slice(start, Math.min(until, start + longestLine));
    start = until + 1;
  }
}

function frameAt(line: string, from: number, match: RegExpExecArray): Frame | undefined {
  const [whole, ending = "", between = "", number = ""] = match;
  const dialect = byEnding.get(ending);
  const separator = separatorOf[between as keyof typeof separatorOf] ?? "word";
  if (!dialect?.separators.includes(separator) || Number(number) === 0) return undefined;
  const dot = match.index;
  const start = startOfPath(line, Math.max(from, dot - longestPath), dot, dot + whole.length, between);
  const written = withoutScheme(line.slice(start, dot));
  if (written === "" || written.includes('"') || /[/\\]$/.test(written)) return undefined;
  const file = `${written}.${ending}`;
  const place = { line: Number(number), dialect };
  const className = dialect.libraryClasses && line[start - 1] === "(" ? classBefore(line, start - 1) : undefined;
  if (className === undefined) {
    const library = [`${line.slice(start, dot)}.${ending}`, file].some((name) => isLibrary(name, dialect));
    return { ...place, file, library };
  }
  return { ...place, file: inPackage(className, file), library: isLibraryClass(className, dialect) };
}

/** Whether a path ends before this character, unless it is inside quotes or parentheses. */
const outside = /[\s"'`<>=,;|[\]{}]/;

/** @param least the earliest start @param dot where the ending begins @param end behind the line number */
function startOfPath(line: string, least: number, dot: number, end: number, between: string): number {
  if (between.startsWith('"')) {
    const quote = line.lastIndexOf('"', dot);
    if (quote >= least) return quote + 1;
  }
  const parenthesis = openBefore(line, least, dot);
  if (parenthesis >= 0 && (line.includes(")", end) || between === ":")) {
    const inside = line.slice(parenthesis + 1, dot);
    if (!/\s/.test(inside) || isAbsolute(inside)) return parenthesis + 1;
  }
  const marked = afterMark(line, least, dot);
  if (marked !== undefined) return marked;
  let start = dot;
  while (start > least && start - 1 !== parenthesis && !outside.test(line.charAt(start - 1))) start--;
  return afterLabel(line, start, dot);
}

/** The last parenthesis that is still open. Folders may have parentheses: `app/(group)/page.tsx`. */
function openBefore(line: string, least: number, dot: number): number {
  let closed = 0;
  for (let at = dot - 1; at >= least; at--) {
    const letter = line.charAt(at);
    if (letter === ")") closed++;
    else if (letter === "(" && closed-- === 0) return at;
  }
  return -1;
}

/** Folders may have spaces. An absolute path after a mark ends the search. */
function afterMark(line: string, least: number, dot: number): number | undefined {
  for (const mark of [" in ", "at ", ": "]) {
    const at = line.lastIndexOf(mark, dot);
    const start = at + mark.length;
    if (at >= least && isAbsolute(line.slice(start, start + 8))) return start;
  }
  const start = /^\s{0,16}(?:#\d{1,4} )?/.exec(line)?.[0].length ?? 0;
  const path = line.slice(start, dot);
  return start >= least && isAbsolute(path) && !/\s(?:\/|[A-Za-z]:|\s|-\s)/.test(path) ? start : undefined;
}

function isAbsolute(path: string): boolean {
  return /^(?:\/|file:|[A-Za-z]:[\\/])/.test(path);
}

/** Removes what stands directly in front: Firefox's `function@`, and labels such as `ERROR:`. */
function afterLabel(line: string, start: number, dot: number): number {
  const path = line.slice(start, dot);
  const at = path.lastIndexOf("@");
  if (at >= 0 && /^(?:\/|[a-z-]+:\/|[A-Za-z]:\\)/.test(path.slice(at + 1, at + 16))) return start + at + 1;
  const colon = path.lastIndexOf(":");
  if (colon < 0 || /^[a-z-]+:\/\//.test(path)) return start;
  // Of `C:\a`, the letter belongs to the path.
  const drive =
    /[\\/]/.test(path.charAt(colon + 1)) && /(?:^|[^\p{L}\d])[A-Za-z]$/u.test(path.slice(Math.max(colon - 2, 0), colon));
  const known = /^(?:node|ext|bun|phar|package|dart|webpack-internal|file)$/.test(path.slice(0, colon));
  return known ? start : start + colon + (drive ? -1 : 1);
}

function withoutScheme(path: string): string {
  const local = /^file:\/{0,3}(?=[A-Za-z]:[\\/]|\/)/.exec(path);
  if (local) return decoded(path.slice(local[0].length).replace(/^\/*(?=\/|[A-Za-z]:)/, ""));
  // `webpack://name/./src/a.ts`, and files of a development server.
  const served = /^(?:webpack|webpack-internal|https?|vite-node|app):\/{2,3}[^/]{0,200}\//.exec(path);
  const relative = served ? path.slice(served[0].length).replace(/^@fs(?=\/)/, "") : path;
  // Deterministic builds of .NET replace the root of the repository.
  return relative.replace(/^(?:\/_\/|(?:\.[\\/])+)/, "");
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

function isLibrary(file: string, { libraries }: Dialect): boolean {
  const path = file.replaceAll("\\", "/");
  return libraries.some((part) => (part.startsWith("/") ? `/${path}`.includes(part) : path.startsWith(part)));
}

/** Whether a file that a report gives is not the project's: unittest gives its own for a hook. */
export function isLibraryFile(file: string): boolean {
  const dialect = byEnding.get(file.slice(file.lastIndexOf(".") + 1));
  return dialect !== undefined && isLibrary(file, dialect);
}

/** The class and method in front of a parenthesis: `at java.base/java.lang.Thread.run(`. */
function classBefore(line: string, parenthesis: number): string | undefined {
  let start = parenthesis;
  while (start > 0 && parenthesis - start < longestPath && !/[\s/]/.test(line.charAt(start - 1))) start--;
  const name = line.slice(start, parenthesis);
  return name.includes(".") ? name : undefined;
}

function inPackage(className: string, file: string): string {
  if (/[\\/]/.test(file)) return file;
  const parts = className.split(".");
  const type = parts.findIndex((part) => /^\p{Lu}/u.test(part));
  return [...parts.slice(0, type < 0 ? -1 : type), file].join("/");
}

function isLibraryClass(className: string, { libraryClasses = [] }: Dialect): boolean {
  return libraryClasses.some((start) => className.startsWith(`${start}.`));
}
