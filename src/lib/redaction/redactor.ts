import { afterMargin, Fragments, halfEscape, longestEscape, shortestFragment } from "./cuts.ts";
import { partsOf } from "./derived.ts";
import { patternsOf } from "./forms.ts";
import { Matcher, merged, type Span, shortestPattern } from "./matcher.ts";
import { shapesIn } from "./shapes.ts";
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

/** Takes secrets out of the lines of one stream, in their order; there are as many lines afterwards as before. */
export type LineRedactor = (lines: readonly string[]) => string[];

/** What an exit needs of it. */
export interface Redaction {
  redact(text: string): string;
  /** Whether a secret stands in what cannot be redacted, such as the bytes of a picture. */
  holds(text: string): boolean;
  /** For the lines of one stream, in their order. */
  lines(): LineRedactor;
}

const mask = "***";

/** What lies over a line break is found by its characters alone, so it has to have more of them. */
const shortestAcrossLines = 8;
/** Of the beginning of a secret at the end of a text, which may have been cut there without a sign. */
const shortestAtEnd = 12;
/** Of the beginning of a secret at the end of what was printed so far. */
const shortestAtLineEnd = 8;

/**
 * Hides secrets in texts: as they are, encoded, coloured, in other Unicode forms, wrapped, cut. Whatever lies outside of a secret stays
 * exactly as it was.
 */
export class Redactor implements Redaction {
  readonly #matcher = new Matcher();
  /** Those that hold white space, without it: a reporter wraps or shortens there. */
  readonly #squeezed = new Matcher();
  readonly #closeness = { closely: false };
  readonly #fragments = new Fragments(this.#matcher);

  /** @returns whether it is long enough to be hidden */
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

  /** Whether any secret that was named is in it: for what cannot be redacted, such as a picture. */
  holds(text: string): boolean {
    return this.#views(text).some(
      (view) =>
        this.#matcher.find(view.text).length > 0 ||
        (this.#squeezed.size > 0 && this.#squeezed.find(withoutSpace(view).text).length > 0),
    );
  }

  /** For one stream of a process: also finds what is wrapped from one line to the next, however the lines come in. */
  lines(): LineRedactor {
    // What was printed just before, and whether a secret may have begun in it.
    let previous = "";
    let begunBefore = false;
    return (lines) => {
      if (lines.length === 0) return [];
      const text = lines.join("\n");
      const goesOn = previous !== "" && (begunBefore || this.#fragments.mayBeginWith(lines[0] ?? ""));
      // A few characters do not show that a secret begins, so that the end of what was before is always looked at together with this.
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

  /** Where a secret begins of which the text ends in the middle. `length` is that of what was read of it. */
  #begunAtEnd(text: string, least: number): (Span & { length: number }) | undefined {
    if (this.#matcher.size === 0) return undefined;
    // No reading of it has more characters than it has itself.
    if (text.length < least && isOrdinary(text)) return undefined;
    const line = shown(text.slice(text.lastIndexOf("\n") + 1));
    const lastLine = line.slice(afterMargin(line, 0));
    // Nearly always this is all: the last characters stand in no secret. Of a short line, they may be part of an escape that was wrapped.
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

  /** However the last line is read: what stands before it does not matter where each reading has enough characters at its end. */
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

  /** @param isWrapped what is looked for is known to lie on several lines */
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

/** Of a field of a report, which is not worth a closer look first. */
const shortText = 4_096;
/** How far back the beginning of a secret is looked for at the end of what was printed so far. Colours make it long. */
const longestTail = 16_384;
/** Fewer characters of a secret than tell that it begins, in whatever way they are written. */
const shortTail = 512;
/** Of output in which lines are worth a look by themselves. */
const longestLine = 4_096;

/** The last one of a hidden stretch is kept, so that colours go on as they were meant. */
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
  // A part on each line: there are as many lines as before.
  return hidden
    .split("\n")
    .map((line) => (line.trim() === "" ? line : mask + (line.match(colour)?.at(-1) ?? "")))
    .join("\n");
}
