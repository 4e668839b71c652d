import { parseJsonObject } from "../lines/lines.ts";

/** The YAML that may follow a test point. Only what tools write there is understood: keys, texts, blocks, and one level of keys. */

const longestBlock = 64 * 1024;

/** Collects the lines of one block; what is too long is dropped. */
export class Block {
  readonly indent: number;
  readonly #lines: string[] = [];
  #length = 0;

  constructor(indent: number) {
    this.indent = indent;
  }

  add(line: string): void {
    if (this.#length > longestBlock) return;
    this.#length += line.length + 1;
    this.#lines.push(line.slice(this.indent, this.indent + longestBlock));
  }

  values(): Map<string, string> {
    return valuesIn(this.#lines);
  }
}

const keyLine = /^( *)(?:"([^"]+)"|'([^']+)'|([A-Za-z_][\w.-]*)) *:(?: +(.*))?$/;

interface Key {
  name: string;
  indent: number;
  /** What stands behind the colon. */
  text: string;
}

function keyIn(line: string): Key | undefined {
  const found = keyLine.exec(line);
  if (!found) return undefined;
  return { name: found[2] ?? found[3] ?? found[4] ?? "", indent: found[1]?.length ?? 0, text: (found[5] ?? "").trim() };
}

/** By key; inner keys as `error.message`. */
function valuesIn(lines: readonly string[]): Map<string, string> {
  const values = new Map<string, string>();
  // Deno writes JSON, which is YAML too.
  if (lines[0]?.startsWith("{")) {
    addJson(values, "", parseJsonObject(lines.join("\n")) ?? {});
    return values;
  }
  const base = indentOf(lines.find((line) => line.trim() !== "") ?? "");
  let outer: Key | undefined;
  let innerIndent: number | undefined;
  for (let index = 0; index < lines.length; index++) {
    const key = keyIn(lines[index] ?? "");
    if (!key) continue;
    const isOuter = key.indent === base;
    if (isOuter) [outer, innerIndent] = [key.text === "" ? key : undefined, undefined];
    else innerIndent ??= key.indent;
    if (key.text === "" || (!isOuter && (!outer || key.indent !== innerIndent))) continue;
    const value = valueFrom(lines, index, key);
    values.set(isOuter || !outer ? key.name : `${outer.name}.${key.name}`, value.text);
    index = value.last;
  }
  return values;
}

function valueFrom(lines: readonly string[], at: number, { text, indent }: Key): { text: string; last: number } {
  return /^[|>][-+\d]*$/.test(text) ? blockAfter(lines, at, indent) : quotedFrom(lines, at, text);
}

function indentOf(line: string): number {
  return line.length - line.trimStart().length;
}

/** The lines that are indented deeper than the key. */
function blockAfter(lines: readonly string[], at: number, indent: number): { text: string; last: number } {
  let last = at;
  while (last + 1 < lines.length) {
    const next = lines[last + 1] ?? "";
    if (next.trim() !== "" && indentOf(next) <= indent) break;
    last++;
  }
  const block = lines.slice(at + 1, last + 1);
  const base = indentOf(block.find((line) => line.trim() !== "") ?? "");
  const text = block.map((line) => line.slice(Math.min(base, indentOf(line)))).join("\n");
  return { text: text.trimEnd(), last };
}

/** A quoted text may go over several lines, as Vitest writes it. */
function quotedFrom(lines: readonly string[], at: number, text: string): { text: string; last: number } {
  const quote = text[0];
  if (quote !== '"' && quote !== "'") return { text, last: at };
  const parts = [text];
  let last = at;
  while (!ends(parts.at(-1) ?? "", quote, parts.length === 1) && last + 1 < lines.length) {
    last++;
    parts.push(lines[last] ?? "");
  }
  const inner = parts.join("\n").trimEnd().slice(1, -1);
  return { text: quote === "'" ? inner.replaceAll("''", "'") : unescaped(inner), last };
}

function ends(line: string, quote: string, isFirst: boolean): boolean {
  const rest = (isFirst ? line.slice(1) : line).trimEnd();
  if (!rest.endsWith(quote)) return false;
  if (quote === "'") return true;
  let backslashes = 0;
  while (rest[rest.length - 2 - backslashes] === "\\") backslashes++;
  return backslashes % 2 === 0;
}

const escapes: Record<string, string> = { n: "\n", t: "\t", r: "\r", '"': '"', "\\": "\\", "/": "/" };

function unescaped(text: string): string {
  return text.replace(/\\(.)/g, (whole, letter: string) => escapes[letter] ?? whole);
}

function addJson(values: Map<string, string>, prefix: string, object: object): void {
  for (const [name, value] of Object.entries(object)) {
    if (typeof value === "string" || typeof value === "number") values.set(`${prefix}${name}`, String(value));
    else if (typeof value === "object" && value !== null && prefix === "") addJson(values, `${name}.`, value);
  }
}
