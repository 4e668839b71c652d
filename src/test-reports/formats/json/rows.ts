import { z } from "../../../lib/zod.ts";
import { UnreadableReport } from "../../reported.ts";
import type { JsonSink, Scalar } from "./scanner.ts";

/**
 * Reads a report of any size in flat memory, whatever the order of its keys. It is read twice: first the document without its
 * rows, then the rows, one at a time. Of each value only what its schema names is built.
 */

/** An object with rows: the report itself, or a part such as a test file. */
export interface Branch {
  /** What is read of it. Its rows are empty lists. */
  header: z.ZodType;
  /**
   * What the list under a key has: rows, or branches. A branch may also stand under its key without a list; then it is a part of
   * the header.
   */
  rows: Readonly<Record<string, z.ZodType | Branch>>;
}

/** Where a value is in the document, such as `testResults[3]`. */
export type Place = () => string;

/** Receives the rows in order. Values are not validated yet. */
export interface RowReader {
  /** A branch in a list begins. @param key of the list */
  enter(key: string, header: unknown, place: Place): void;
  row(key: string, row: unknown, place: Place): void;
  leave(): void;
}

/** A branch with a longer text is never built as a whole. */
const longestWhole = 32 * 1024;

/** Of one string. Reports show far less. */
const longestText = 256 * 1024;
/** Of one string in a row that already has so much text. */
const longestMore = 1_000;
/** In a row, or in a branch that is built as a whole. */
const mostValues = 1_000_000;

/** What is built of a value. */
interface Shape {
  /** `undefined`: all keys. */
  keys: Map<string, Shape> | undefined;
  /** Of a list. */
  each: Shape | undefined;
  /** After each key, the one that usually follows. */
  next: Map<string, string>;
  /** Only of a branch. */
  rows: Map<string, Shape> | undefined;
}

/** For values that no schema describes. */
const everything: Shape = { keys: undefined, each: undefined, next: new Map(), rows: undefined };

const mostForetold = 64;

function shapeOf(schema: unknown): Shape {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodNullable) return shapeOf(schema.unwrap());
  if (schema instanceof z.ZodArray) return { ...everything, each: shapeOf(schema.element) };
  if (!(schema instanceof z.ZodObject)) return everything;
  const properties: Record<string, unknown> = schema.shape;
  const keys = Object.entries(properties).map(([key, property]) => [key, shapeOf(property)] as const);
  return { ...everything, keys: new Map(keys), next: new Map() };
}

function shapeOfBranch(branch: Branch, known = new Map<Branch, Shape>()): Shape {
  const before = known.get(branch);
  if (before) return before;
  const rows = new Map<string, Shape>();
  const shape = { ...shapeOf(branch.header), rows };
  known.set(branch, shape);
  for (const [key, schema] of Object.entries(branch.rows)) {
    const each = "header" in schema ? shapeOfBranch(schema, known) : shapeOf(schema);
    rows.set(key, each);
    shape.keys?.set(key, { ...everything, each });
  }
  return shape;
}

/** The shape of a document that one of several formats will read. @throws Error if two read the same key */
function documentShape(branches: readonly Branch[]): Shape {
  const [keys, rows] = [new Map<string, Shape>(), new Map<string, Shape>()];
  for (const branch of branches) {
    const shape = shapeOfBranch(branch);
    for (const [key, value] of shape.keys ?? []) {
      if (keys.has(key)) throw new Error(`two formats read ${key}`);
      keys.set(key, value);
    }
    for (const [key, value] of shape.rows ?? []) rows.set(key, value);
  }
  return { keys, rows, each: undefined, next: new Map() };
}

/** An object or a list that is being built. */
interface Open {
  kind: "branch" | "rows" | "plain";
  value: Record<string, unknown> | unknown[];
  /** Of the rows, if it is their list. */
  shape: Shape;
  /** The current key of an object, or that of the list of rows. */
  key: string;
  /** The current element of a list. */
  index: number;
  at: number;
}

/** What the first reading finds. */
export interface Outline {
  /** The document without its rows. */
  document: object;
  /** The headers of the branches that are too large to be built as a whole, by where they begin in the text. */
  large: Map<number, unknown>;
}

/** One reading of the document: the first without `rows`, the second with them. */
class Reading implements JsonSink {
  expectedKey: string | undefined;
  longest = longestText;
  readonly outline: Outline;
  readonly #file: string;
  readonly #shape: Shape;
  readonly #rows: RowReader | undefined;
  readonly #open: Open[] = [];
  #characters = 0;
  #values = 0;
  readonly #place: Place = () => placeOf(this.#open);

  constructor(file: string, shape: Shape, rows?: RowReader, outline: Outline = { document: {}, large: new Map() }) {
    this.#file = file;
    this.#shape = shape;
    this.#rows = rows;
    this.outline = outline;
  }

  key(key: string): boolean {
    const open = this.#top();
    const { keys, next } = open.shape;
    if (keys === undefined) {
      open.key = key;
      // Assigning this one would change the object's own prototype.
      return key !== "__proto__";
    }
    if (key !== this.expectedKey && next.size < mostForetold && !next.has(open.key)) next.set(open.key, structuredClone(key));
    open.key = key;
    this.expectedKey = next.get(key);
    return keys.has(key);
  }

  value(value: Scalar): void {
    if (typeof value === "string") this.#count(value.length);
    const open = this.#top();
    if (open.kind === "rows") {
      open.index++;
      if (this.#rows) this.#hand(open, value);
    } else attach(open, value);
  }

  open(isList: boolean, at: number): boolean {
    const parent = this.#open.at(-1);
    if (!parent) {
      this.outline.document = isList ? [] : {};
      if (!isList) this.#begin("branch", {}, this.#shape, at);
      return !isList;
    }
    this.#count(0);
    if (parent.kind === "branch") {
      const rows = parent.shape.rows?.get(parent.key);
      if (rows) return this.#openRows(parent, rows, isList, at);
    }
    if (parent.kind === "rows") return this.#openRow(parent, isList, at);
    const value = isList ? [] : {};
    const shape = Array.isArray(parent.value) ? parent.shape.each : parent.shape.keys?.get(parent.key);
    attach(parent, value);
    this.#begin("plain", value, shape ?? everything, at);
    return true;
  }

  close(at: number): void {
    const closed = this.#open.pop();
    const parent = this.#open.at(-1);
    this.expectedKey = parent?.shape.next.get(parent.key);
    if (!closed) return;
    if (!parent) this.outline.document = structuredClone(closed.value);
    else if (parent.kind !== "rows") return;
    else if (closed.kind === "plain") this.#hand(parent, closed.value);
    else if (this.#rows) this.#rows.leave();
    else if (at - closed.at > longestWhole) this.outline.large.set(closed.at, structuredClone(closed.value));
    this.#forget();
  }

  #begin(kind: Open["kind"], value: Open["value"], shape: Shape, at: number): void {
    this.#open.push({ kind, value, shape, key: "", index: -1, at });
    this.expectedKey = shape.next.get("");
  }

  /** What a branch has where its rows should be. */
  #openRows(branch: Open, shape: Shape, isList: boolean, at: number): boolean {
    const { key, value } = branch;
    // In an object, the last of two equal keys would count, and the rows of the other would get lost.
    if (Object.hasOwn(value, key))
      throw new UnreadableReport("EA6004", this.#file, "damaged: this key occurs twice", this.#place());
    const placeholder = isList ? [] : {};
    attach(branch, placeholder);
    if (isList) {
      if (!this.#rows && !shape.rows) return false;
      this.#begin("rows", placeholder, shape, at);
      this.#top().key = key;
      this.expectedKey = undefined;
      return true;
    }
    if (shape.rows) this.#begin("branch", placeholder, shape, at);
    return shape.rows !== undefined;
  }

  #openRow(list: Open, isList: boolean, at: number): boolean {
    list.index++;
    if (list.shape.rows && !isList) {
      const header = this.outline.large.get(at);
      if (this.#rows && header !== undefined) this.#rows.enter(list.key, header, this.#place);
      this.#begin(this.#rows && header === undefined ? "plain" : "branch", {}, list.shape, at);
      return true;
    }
    if (this.#rows) this.#begin("plain", isList ? [] : {}, list.shape, at);
    return this.#rows !== undefined;
  }

  #hand(list: Open, value: unknown): void {
    if (!this.#rows) return;
    if (list.shape.rows) handWhole(this.#rows, list.key, value, list.shape.rows, this.#place);
    else this.#rows.row(list.key, value, this.#place);
    this.#forget();
  }

  #count(characters: number): void {
    this.#characters += characters;
    this.longest = this.#characters > longestText ? longestMore : longestText;
    this.#values++;
    if (this.#values > mostValues)
      throw new UnreadableReport("EA6004", this.#file, `more than ${mostValues} values in one test`, this.#place());
  }

  #forget(): void {
    this.#characters = 0;
    this.#values = 0;
    this.longest = longestText;
  }

  #top(): Open {
    const top = this.#open.at(-1);
    if (!top) throw new Error("a value outside of the document");
    return top;
  }
}

/** A branch that was built with its rows. */
function handWhole(reader: RowReader, key: string, branch: unknown, shapes: Map<string, Shape>, place: Place): void {
  reader.enter(key, branch, place);
  for (const [rowsKey, shape] of shapes) {
    const rows: unknown = (branch as Record<string, unknown>)[rowsKey];
    if (!Array.isArray(rows)) continue;
    for (const [index, row] of rows.entries()) {
      const rowPlace = () => `${place()}.${rowsKey}[${index}]`;
      if (shape.rows) handWhole(reader, rowsKey, row, shape.rows, rowPlace);
      else reader.row(rowsKey, row, rowPlace);
    }
  }
  reader.leave();
}

function attach(open: Open, value: unknown): void {
  const { value: parent } = open;
  if (Array.isArray(parent)) {
    open.index++;
    parent.push(value);
  } else parent[open.key] = value;
}

function placeOf(open: readonly Open[]): string {
  const steps = open.map(({ value, key, index }) => (Array.isArray(value) ? `[${Math.max(index, 0)}]` : `.${key}`));
  return steps.join("").replace(/^\./, "");
}

/** For the first reading of a document that one of the formats will read. */
export function outlineReading(file: string, branches: readonly Branch[]): JsonSink & { outline: Outline } {
  return new Reading(file, documentShape(branches));
}

/** For the second. */
export function rowReading(file: string, branch: Branch, outline: Outline, rows: RowReader): JsonSink {
  return new Reading(file, documentShape([branch]), rows, outline);
}
