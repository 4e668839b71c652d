import { isGroup, type Path, pathKey, valueAt } from "../config/path.ts";
import { type Entry, type ParsedYaml, parseYaml } from "../config/yaml.ts";

/**
 * Puts what is new into a configuration that is there. Each line of the file stays as somebody wrote it, also where the repository now
 * shows something else. Only a value below its `# TODO:` is no answer yet: once the repository shows one, it takes that place.
 */

/** A key, or an item of a list, with the comments above it, as lines. */
interface Part {
  path: Path;
  start: number;
  /** The line of the key itself. */
  at: number;
  /** The first line after it. */
  end: number;
  column: number;
  /** Whether its keys stand below each other: only then one more can be written between them. */
  isBlock: boolean;
  hasTodo: boolean;
  parts: Part[];
}

export interface Merged {
  text: string;
  /** What is new, but has no place in the file. */
  notes: string[];
}

export interface Choice {
  /** Whether a key that the file lacks is one that somebody may want, and not one left out on purpose. */
  isWanted(path: Path): boolean;
  /** Whether a value is no answer yet, although its question stands elsewhere. */
  isOpen(path: Path): boolean;
}

/** @param existing a file without mistakes of YAML */
export function merged(existing: string, generated: string, choice: Choice): Merged {
  if (existing.includes("\r\n")) {
    const { text, notes } = merged(existing.replaceAll("\r\n", "\n"), generated, choice);
    return { text: text.replaceAll("\n", "\r\n"), notes };
  }
  const [there, made] = [fileOf(existing), fileOf(generated)];
  // Nothing but a version is a file that nobody has filled in yet.
  if (there === undefined || made === undefined || !isGroup(valueAt(there.parsed.data, ["environments"])))
    return { text: generated, notes: [] };
  const edits: Edit[] = [];
  const notes: string[] = [];
  compare({ there, made, edits, notes, choice }, there.top, made.top);
  return { text: applied(there.lines, edits), notes };
}

interface File {
  parsed: ParsedYaml;
  lines: readonly string[];
  top: Part;
}

/** These lines in place of those from `start` to before `end`. */
interface Edit {
  start: number;
  end: number;
  lines: string[];
}

interface Comparison {
  there: File;
  made: File;
  edits: Edit[];
  notes: string[];
  choice: Choice;
}

function fileOf(text: string): File | undefined {
  const parsed = parseYaml(text);
  if (parsed.broken || !isGroup(parsed.data)) return undefined;
  const lines = text.split("\n");
  const place: Place = { text, parsed, lines, starts: lineStarts(lines) };
  const start = parsed.entries.get(pathKey([]))?.value.start ?? 0;
  const parts = partsIn(place, []);
  const end = parts.at(-1)?.end ?? 0;
  const top = { path: [], start: 0, at: 0, end, column: 0, isBlock: text[start] !== "{", hasTodo: false, parts };
  return { parsed, lines, top };
}

interface Place {
  text: string;
  parsed: ParsedYaml;
  lines: readonly string[];
  /** Of each line, as an offset. */
  starts: readonly number[];
}

function lineStarts(lines: readonly string[]): number[] {
  let offset = 0;
  return lines.map((line) => {
    const start = offset;
    offset += line.length + 1;
    return start;
  });
}

function partsIn(place: Place, path: Path): Part[] {
  return pathsIn(place, path).flatMap((own) => {
    const entry = place.parsed.entries.get(pathKey(own));
    return entry ? [partOf(place, entry)] : [];
  });
}

function pathsIn({ parsed: { data } }: Place, path: Path): Path[] {
  const value = path.length === 0 ? data : valueAt(data, path);
  if (Array.isArray(value)) return value.map((_, index) => [...path, index]);
  return isGroup(value) ? Object.keys(value).map((key) => [...path, key]) : [];
}

/** What stands in the line of its group, or where an alias leads: it is there, and can't be changed line by line. */
function inlineParts(place: Place, path: Path, at: number): Part[] {
  return pathsIn(place, path).map((own) => {
    const line = { start: at, at, end: at + 1, column: 0 };
    return { ...line, path: own, isBlock: false, hasTodo: false, parts: inlineParts(place, own, at) };
  });
}

function partOf(place: Place, { path, key, value, scalar }: Entry): Part {
  const { text, lines, starts } = place;
  // An alias has the place of what it refers to, which stands above.
  const isAlias = key !== undefined && value.start < key.start;
  const from = (key ?? value).start;
  const at = lineOf(starts, from);
  const isBlock = !isAlias && !scalar && !/[[{]/.test(text[value.start] ?? "");
  const parts = isBlock ? partsIn(place, path) : inlineParts(place, path, at);
  let start = at;
  while (start > 0 && /^\s*#/.test(lines[start - 1] ?? "")) start--;
  const last = isAlias ? at : lineOf(starts, Math.max(from, value.end - 1));
  return {
    ...{ path, start, at, end: (isBlock ? parts.at(-1)?.end : undefined) ?? last + 1, column: from - (starts[at] ?? 0) },
    ...{ isBlock: isBlock && key !== undefined, parts },
    hasTodo: lines.slice(start, at).some((line) => isTodo(line)),
  };
}

function isTodo(line: string): boolean {
  return /^\s*# TODO: /.test(line);
}

function lineOf(starts: readonly number[], offset: number): number {
  const after = starts.findIndex((start) => start > offset);
  return (after < 0 ? starts.length : after) - 1;
}

function compare(work: Comparison, there: Part, made: Part): void {
  const { edits, choice } = work;
  const known = new Map(there.parts.map((part) => [part.path.at(-1), part]));
  let before: Part | undefined;
  for (const part of made.parts) {
    const own = known.get(part.path.at(-1));
    if (own && (own.hasTodo || choice.isOpen(part.path)) && !hasOpen(work.made, part)) {
      edits.push({ start: own.start, end: own.end, lines: moved(work.made, part, own.column) });
    } else if (own) {
      compare(work, own, part);
    } else if (typeof part.path.at(-1) === "string" && choice.isWanted(part.path) && !isCommentedOut(work.there, there, part)) {
      add(work, there, part, before);
      continue;
    }
    if (own) before = own;
  }
}

function hasOpen({ lines }: File, { start, end }: Part): boolean {
  return lines.slice(start, end).some((line) => isTodo(line));
}

/** The lines of a part where its key begins in this column. */
function moved({ lines }: File, { start, end, column }: Part, to: number): string[] {
  const by = to - column;
  return lines.slice(start, end).map((line) => (line === "" ? line : by < 0 ? line.slice(-by) : `${" ".repeat(by)}${line}`));
}

/** Somebody who wants to do without a part leaves its key as a comment. */
function isCommentedOut({ lines }: File, { at, end }: Part, { path }: Part): boolean {
  const key = String(path.at(-1)).replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  const pattern = new RegExp(`^\\s*#+\\s*${key}:(?:\\s|$)`);
  // Comments below the last key belong to the group, too.
  let after = end;
  while (after < lines.length && /^\s*#/.test(lines[after] ?? "")) after++;
  return lines.slice(at, after).some((line) => pattern.test(line));
}

/** After the key that stands before it in a new file. */
function add({ there: file, made, edits, notes }: Comparison, there: Part, part: Part, before: Part | undefined): void {
  const [first] = there.parts;
  if (!there.isBlock || !first) {
    notes.push(
      `${part.path.join(".")} is new, but ${there.path.join(".")} is written in one line: write its keys below each other, and run init again`,
    );
    return;
  }
  const gap = made.lines[part.start - 1] === "" ? [""] : [];
  const lines = moved(made, part, first.column);
  const start = before?.end ?? first.start;
  // Somebody who removes a key may leave the comment above it.
  const own = part.at - part.start;
  const isThere = own > 0 && lines.slice(0, own).every((line, index) => line === file.lines[start + index]);
  if (isThere) {
    edits.push({ start: start + own, end: start + own, lines: lines.slice(own) });
    return;
  }
  const isTop = before === undefined && file.lines[start] !== "";
  edits.push({ start, end: start, lines: isTop && gap.length > 0 ? [...lines, ""] : [...gap, ...lines] });
}

/** Of several at the same place, the first one stays first. */
function applied(lines: readonly string[], edits: readonly Edit[]): string {
  const result = [...lines];
  const sorted = edits.map((edit, index) => ({ ...edit, index })).sort((a, b) => b.start - a.start || b.index - a.index);
  for (const { start, end, lines: added } of sorted) result.splice(start, end - start, ...added);
  return result.join("\n");
}
