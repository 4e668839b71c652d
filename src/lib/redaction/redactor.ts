import { StringDecoder } from "node:string_decoder";
import { partsOf, patternsOf } from "./forms.ts";
import {
  afterMargin,
  Fragments,
  halfEscape,
  longestEscape,
  Matcher,
  merged,
  type Span,
  shortestFragment,
  shortestPattern,
} from "./matcher.ts";
import { shapesIn } from "./variables.ts";
import {
  holdsEscapes,
  inOriginal,
  isOrdinary,
  readForms,
  shown,
  squeezedForm,
  type View,
  viewsOf,
  withoutSpace,
} from "./views.ts";

/** Redacts the lines of one stream, in order. The number of lines stays the same. */
export type LineRedactor = (lines: readonly string[]) => string[];

/** What code that prints or writes needs for redaction. */
export interface Redaction {
  redact(text: string): string;
  /** Whether the text contains a secret; for content that cannot be redacted, such as an image. */
  holds(text: string): boolean;
  /** For the lines of one stream, in order. */
  lines(): LineRedactor;
}

const mask = "***";

/** A match across a line break rests on its characters alone, so it needs more of them. */
const shortestAcrossLines = 8;
/** For the beginning of a secret at the end of a text, which may have been cut there without a mark. */
const shortestAtEnd = 12;
/** For the beginning of a secret at the end of the output so far. */
const shortestAtLineEnd = 8;

/**
 * Hides secrets in texts: plain, encoded, coloured, in other Unicode forms, wrapped or cut. Text outside a secret stays
 * unchanged.
 */
export class Redactor implements Redaction {
  readonly #matcher = new Matcher();
  /** Secrets that contain white space, stored without it: reporters wrap and shorten there. */
  readonly #squeezed = new Matcher();
  readonly #closeness = { closely: false };
  readonly #fragments = new Fragments(this.#matcher);

  /** @returns whether the secret is long enough to be hidden */
  add(secret: string): boolean {
    const parts = partsOf(secret);
    for (const part of parts) {
      this.#closeness.closely ||= holdsEscapes(part);
      const patterns = patternsOf(part);
      for (const pattern of patterns) this.#matcher.add(pattern);
      if (!/\s/.test(part)) continue;
      const spaced = patterns.flatMap(({ text }) => (/\s/.test(text) ? text : []));
      for (const form of [part, ...readForms(part), ...spaced]) {
        const text = squeezedForm(form);
        if (text.length >= shortestAcrossLines) this.#squeezed.add({ text });
      }
    }
    return parts.length > 0;
  }

  redact(text: string): string {
    const begun = this.#begunAtEnd(text, shortestAtEnd);
    return replaced(text, [...this.#find(text), ...(begun ? [begun] : [])]);
  }

  /** Whether the text contains any registered secret; for content that cannot be redacted, such as an image. */
  holds(text: string): boolean {
    return this.#views(text).some(
      (view) =>
        this.#matcher.find(view.text).length > 0 ||
        (this.#squeezed.size > 0 && this.#squeezed.find(withoutSpace(view).text).length > 0),
    );
  }

  /** For one stream of a process. Also finds secrets wrapped across lines, however the output is split into chunks. */
  lines(): LineRedactor {
    // The previous output, and whether a secret may have begun in it.
    let previous = "";
    let begunBefore = false;
    return (lines) => {
      if (lines.length === 0) return [];
      const text = lines.join("\n");
      const goesOn = previous !== "" && (begunBefore || this.#fragments.mayBeginWith(lines[0] ?? ""));
      // A few characters cannot show that a secret begins, so the end of the previous output is always examined together with
      // this one.
      const before = goesOn ? previous : previous.slice(-shortTail);
      const whole = before === "" ? text : `${before}\n${text}`;
      const start = whole.length - text.length;
      const begun = this.#begunAtEnd(whole, shortestFragment);
      const hidden = begun && begun.length >= shortestAtLineEnd ? [begun] : [];
      const spans = [...this.#find(whole, goesOn), ...hidden]
        .filter(({ end }) => end > start)
        .map(({ start: from, end }) => ({ start: Math.max(0, from - start), end: end - start }));
      begunBefore = begun !== undefined;
      previous = whole.slice(-longestTail);
      return replaced(text, spans).split("\n");
    };
  }

  /**
   * The beginning of a secret that is cut off at the end of the text. `length` is the number of its characters that were read.
   */
  #begunAtEnd(text: string, least: number): (Span & { length: number }) | undefined {
    if (this.#matcher.size === 0) return undefined;
    // Decoding never makes a text longer.
    if (text.length < least && isOrdinary(text)) return undefined;
    const line = shown(text.slice(text.lastIndexOf("\n") + 1));
    const lastLine = line.slice(afterMargin(line, 0));
    // The common case: the last characters are in no secret. On a short line, they may be part of a wrapped escape.
    const sure = lastLine.length >= shortestFragment + longestEscape && !/[\\%&]/.test(lastLine.slice(-longestEscape));
    if (sure && !this.#fragments.mayEndAt(lastLine, lastLine.length)) return undefined;
    if (this.#surelyEndsInNone(lastLine)) return undefined;
    const tail = text.slice(-longestTail);
    for (const view of viewsOf(tail, this.#closeness)) {
      const end = endOf(view);
      const head = this.#fragments.headBefore(view.text, end, least);
      const place = head && inOriginal(view, [head])[0];
      if (place) return { start: text.length - tail.length + place.start, end: text.length, length: head.end - head.start };
    }
    return undefined;
  }

  /**
   * Holds for every way to decode the last line. The text before it doesn't matter if each decoding has enough characters at the
   * end.
   */
  #surelyEndsInNone(lastLine: string): boolean {
    if (lastLine.length > longestLine || !isOrdinary(lastLine)) return false;
    return viewsOf(lastLine, this.#closeness).every((view) => {
      const end = endOf(view);
      return end >= shortestFragment + longestEscape && !this.#fragments.mayEndAt(view.text, end);
    });
  }

  #views(text: string, isWrapped = false): View[] {
    const always = isWrapped || text.length < shortText;
    return viewsOf(text, this.#closeness, (view) => always || this.#fragments.mayBeWrapped(view.text));
  }

  /** @param isWrapped the secret is known to span several lines */
  #find(text: string, isWrapped = false): Span[] {
    const spans: Span[] = [];
    if (text.length < shortestPattern && isOrdinary(text)) return spans;
    const take = (view: View, found: readonly Span[]) => {
      if (found.length > 0) spans.push(...inOriginal(view, found));
    };
    for (const view of this.#views(text, isWrapped)) {
      const found = this.#matcher.find(view.text);
      take(view, view.acrossLines ? found.filter(({ start, end }) => end - start >= shortestAcrossLines) : found);
      if (!view.acrossLines) take(view, [...shapesIn(view.text), ...this.#fragments.beside(view.text)]);
      if (this.#squeezed.size === 0) continue;
      const squeezed = withoutSpace(view);
      take(squeezed, this.#squeezed.find(squeezed.text));
    }
    return merged(spans);
  }
}

/** A text may be cut in the middle of an escape. */
function endOf({ text }: View): number {
  return text.length - (halfEscape.exec(text)?.[0].length ?? 0);
}

/** The size of a report's field; a quick test first is not worth it. */
const shortText = 4_096;
/** How far back to look for the beginning of a secret at the end of the output so far. Color codes make this long. */
const longestTail = 16_384;
/** The length, in any encoding, of a beginning too short to recognise as a secret. */
const shortTail = 512;
/** Longer output lines are tested one by one first. */
const longestLine = 4_096;

/** The last colour code of a hidden range is kept, so that the colours after it stay right. */
const esc = "\u001b";
const colour = new RegExp(`${esc}\\[[\\d;:]*m`, "g");

function replaced(text: string, spans: readonly Span[]): string {
  if (spans.length === 0) return text;
  let result = "";
  let done = 0;
  for (const { start, end } of merged(spans)) {
    result += text.slice(done, start) + masked(text.slice(start, end));
    done = end;
  }
  return result + text.slice(done);
}

function masked(hidden: string): string {
  if (isOrdinary(hidden) && !hidden.includes("\n")) return mask;
  // A replacement on each line, so that the number of lines stays the same.
  return hidden
    .split("\n")
    .map((line) => (line.trim() === "" ? line : mask + (line.match(colour)?.at(-1) ?? "")))
    .join("\n");
}

/** A copy of the value with every text in it redacted, including property names. */
export function redacted<Value>(value: Value, redact: (text: string) => string): Value {
  if (typeof value === "string") return redact(value) as Value;
  if (Array.isArray(value)) return value.map((item) => redacted(item, redact)) as Value;
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [redact(key), redacted(item, redact)])) as Value;
}

type Write = NodeJS.WriteStream["write"];

/**
 * Redacts everything written to a stream of this process: our own lines, those of libraries, and Node's warnings.
 * @returns a function that bypasses it, for the one line that must contain a secret: the runner's mask command
 */
export function guardWrites(stream: NodeJS.WriteStream, redact: (text: string) => string): (text: string) => void {
  const write = stream.write.bind(stream) as Write;
  stream.write = guarded(write, redact);
  return (text) => void write(text);
}

/** The same stream with redaction, for code that gets this one only. */
export function guardedStream<Stream extends NodeJS.WriteStream>(stream: Stream, redact: (text: string) => string): Stream {
  const write = guarded(stream.write.bind(stream) as Write, redact);
  return Object.create(stream, { write: { value: write } }) as Stream;
}

function guarded(write: Write, redact: (text: string) => string): Write {
  const decoder = new StringDecoder("utf8");
  return ((chunk: string | Uint8Array, ...rest: never[]) => {
    const text = typeof chunk === "string" ? chunk : decoder.write(Buffer.from(chunk));
    return write(redact(text), ...rest);
  }) as Write;
}
