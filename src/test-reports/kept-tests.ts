import type { TestStatus } from "../model/test-results.ts";
import type { ReportedTest } from "./reported.ts";

/**
 * Keeps tests in some 120 bytes each, outside of the engine's heap: as objects, those of two large reports would take a gigabyte.
 * Tests have numbers, from 0.
 */

const blockLength = 1 << 16;

/** Instead of a number in a column. So one more than each number is stored. */
const none = 0;

type Block = Float64Array | Uint32Array | Uint8Array;

/** Numbers in a list that grows without being copied; 0 where none was set. */
export class Column {
  readonly #blocks: Block[] = [];
  readonly #make: (length: number) => Block;

  constructor(make: (length: number) => Block = (length) => new Uint32Array(length)) {
    this.#make = make;
  }

  get(index: number): number {
    return this.#blocks[Math.floor(index / blockLength)]?.[index % blockLength] ?? 0;
  }

  set(index: number, value: number): void {
    const number = Math.floor(index / blockLength);
    const block = this.#blocks[number] ?? this.#make(blockLength);
    this.#blocks[number] = block;
    block[index % blockLength] = value;
  }
}

/** Texts that many tests share. */
class Shared {
  readonly #texts: string[] = [];
  readonly #numbers = new Map<string, number>();

  /** @returns 0 for none */
  number(text: string | undefined): number {
    if (text === undefined) return none;
    const known = this.#numbers.get(text);
    if (known !== undefined) return known;
    // A copy: a part of a text would keep all of it in memory.
    const copy = structuredClone(text);
    this.#texts.push(copy);
    this.#numbers.set(copy, this.#texts.length);
    return this.#texts.length;
  }

  text(number: number): string | undefined {
    return this.#texts[number - 1];
  }
}

const bufferBytes = 1024 * 1024;

const statuses: readonly TestStatus[] = ["passed", "failed", "flaky", "skipped", "unknown"];

type Rest = Omit<ReportedTest, "titles" | "status" | "durationMs" | "file" | "line" | "project" | "attempts">;

/** What is written of a test, as JSON. */
type Written = [titles: string[], attempts: number, line: number | null, rest?: Rest];

export class KeptTests {
  length = 0;
  readonly #files = new Shared();
  readonly #projects = new Shared();
  readonly #buffers: Buffer[] = [];
  /** Of the last buffer. */
  #used = bufferBytes;
  readonly #starts = new Column((length) => new Float64Array(length));
  readonly #bytes = new Column();
  readonly #statuses = new Column((length) => new Uint8Array(length));
  readonly #durations = new Column((length) => new Float64Array(length));
  readonly #fileNumbers = new Column();
  readonly #projectNumbers = new Column();

  /** @returns its number */
  add({ titles, status, durationMs, file, line, project, attempts, ...rest }: ReportedTest): number {
    const written = [titles, attempts, line ?? null];
    const text = JSON.stringify(Object.values(rest).some((value) => value !== undefined) ? [...written, rest] : written);
    // A character of UTF-16 has at most three bytes in UTF-8.
    const most = text.length * 3;
    if (this.#used >= bufferBytes || this.#used + most > (this.#buffers.at(-1)?.length ?? 0)) {
      this.#buffers.push(Buffer.allocUnsafeSlow(Math.max(bufferBytes, most)));
      this.#used = 0;
    }
    const number = this.length++;
    const bytes = this.#buffers.at(-1)?.write(text, this.#used) ?? 0;
    this.#starts.set(number, (this.#buffers.length - 1) * bufferBytes + this.#used);
    this.#bytes.set(number, bytes);
    this.#statuses.set(number, statuses.indexOf(status));
    this.#durations.set(number, durationMs);
    this.#fileNumbers.set(number, this.#files.number(file));
    this.#projectNumbers.set(number, this.#projects.number(project));
    this.#used += bytes;
    return number;
  }

  get(number: number): ReportedTest {
    const start = this.#starts.get(number);
    const buffer = this.#buffers[Math.floor(start / bufferBytes)];
    const from = start % bufferBytes;
    const text = buffer?.toString("utf8", from, from + this.#bytes.get(number)) ?? "";
    const [titles, attempts, line, rest] = JSON.parse(text) as Written;
    return {
      titles,
      status: this.status(number),
      durationMs: this.durationMs(number),
      file: this.file(number),
      line: line ?? undefined,
      project: this.project(number),
      attempts,
      ...rest,
    };
  }

  status(number: number): TestStatus {
    return statuses[this.#statuses.get(number)] ?? "unknown";
  }

  durationMs(number: number): number {
    return this.#durations.get(number);
  }

  file(number: number): string | undefined {
    return this.#files.text(this.#fileNumbers.get(number));
  }

  project(number: number): string | undefined {
    return this.#projects.text(this.#projectNumbers.get(number));
  }
}

const buckets = 1 << 20;

/** Finds numbers by a text, in the order in which they were added. A number may be found by another text, too: compare the texts. */
export class NumbersByText {
  readonly #first = new Int32Array(buckets);
  readonly #last = new Int32Array(buckets);
  readonly #next = new Column();
  readonly #hashes = new Column();

  add(text: string, number: number): void {
    const hash = hashOf(text);
    const bucket = hash % buckets;
    const last = this.#last[bucket] ?? none;
    this.#hashes.set(number, hash);
    if (last === none) this.#first[bucket] = number + 1;
    else this.#next.set(last - 1, number + 1);
    this.#last[bucket] = number + 1;
  }

  /** @returns the first number that `isIt` accepts; `undefined` if none of the first `most` is it */
  find(text: string, most: number, isIt: (number: number) => boolean): number | undefined {
    const hash = hashOf(text);
    let looked = 0;
    for (let at = this.#first[hash % buckets] ?? none; at !== none && looked < most; at = this.#next.get(at - 1)) {
      if (this.#hashes.get(at - 1) !== hash) continue;
      looked++;
      if (isIt(at - 1)) return at - 1;
    }
    return undefined;
  }
}

/** FNV-1a, 32 bits. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return hash >>> 0;
}

/** Lists of numbers, each named by its first. */
export class Chains {
  readonly #next = new Column();
  readonly #last = new Column();

  append(first: number, number: number): void {
    this.#next.set((this.#last.get(first) || first + 1) - 1, number + 1);
    this.#last.set(first, number + 1);
  }

  /** @returns the one after it in its list */
  after(number: number): number | undefined {
    const next = this.#next.get(number);
    return next === none ? undefined : next - 1;
  }

  some(first: number, isIt: (number: number) => boolean): boolean {
    for (let at: number | undefined = first; at !== undefined; at = this.after(at)) if (isIt(at)) return true;
    return false;
  }

  of(first: number): number[] {
    const numbers: number[] = [];
    for (let at: number | undefined = first; at !== undefined; at = this.after(at)) numbers.push(at);
    return numbers;
  }
}
