import { count } from "../lib/count.ts";
import { type Omission, omissions } from "./view/shapes.ts";

/** Shortens a document to a number of bytes: the least important parts go first, and a note says what is missing. */

/** A piece of the document with its shorter alternatives. Each of them is shorter and loses something more important. */
export interface Part {
  text: string;
  shorter?: { text: string; loses: Omission }[];
  /** What it lacks already, because there is surely no room for it. */
  lost?: readonly Omission[];
  /** Opens or closes a fold. A fold that has lost its content goes too, and `bare` takes its place. */
  fold?: { opens: true; bare: string } | { opens: false };
}

/** A form of a piece; what is lost if the next form takes its place. */
export interface Form {
  loses: Omission;
  draw: () => string;
}

/**
 * Draws pieces that have several forms, only as far as the document may have room for them: a piece keeps a form only if all those
 * before it keep theirs. Of a hundred thousand pieces most need not be drawn.
 */
export class Forms {
  readonly #maxBytes: number;
  /** The bytes of all forms drawn so far, by what is lost without them. */
  readonly #bytes = new Map<Omission, number>();

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** @param forms longest first; after the last one there is nothing */
  part(forms: readonly Form[]): Part {
    const first = forms.findIndex(({ loses }) => (this.#bytes.get(loses) ?? 0) <= this.#maxBytes);
    const possible = first < 0 ? [] : forms.slice(first);
    const lost = forms.slice(0, forms.length - possible.length).map(({ loses }) => loses);
    const texts = possible.map(({ loses, draw }) => {
      const text = draw();
      this.#bytes.set(loses, (this.#bytes.get(loses) ?? 0) + Buffer.byteLength(text));
      return text;
    });
    const shorter = possible.map(({ loses }, at) => ({ text: texts[at + 1] ?? "", loses }));
    return { text: texts[0] ?? "", shorter, lost };
  }
}

/** Parts that readers unfold. `title` is safe Markdown within a line. */
export function fold(title: string, parts: readonly Part[], { bare = "", open = false } = {}): Part[] {
  if (parts.length === 0) return bare === "" ? [] : [{ text: bare }];
  return [
    { text: `<details${open ? " open" : ""}><summary>${title}</summary>\n\n`, fold: { opens: true, bare } },
    ...parts,
    { text: "</details>\n\n", fold: { opens: false } },
  ];
}

export function droppable(text: string, loses: Omission): Part {
  return { text, shorter: [{ text: "", loses }] };
}

const importance = Object.keys(omissions) as Omission[];

/**
 * Joins the parts, shortened to fit into `maxBytes` bytes of UTF-8: least important first, and from the end among equals, so that
 * the top stays complete. The result is too long if even the shortest parts do not fit.
 */
export function fitInto(parts: readonly Part[], maxBytes: number): { text: string; lost: Map<Omission, number> } {
  const texts = parts.map((part) => part.text);
  const lost = new Map<Omission, number>();
  for (const part of parts) for (const one of part.lost ?? []) lost.set(one, (lost.get(one) ?? 0) + 1);
  let bytes = texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
  for (const step of shortenings(parts)) {
    if (bytes <= maxBytes) break;
    bytes -= Buffer.byteLength(texts[step.part] ?? "") - Buffer.byteLength(step.text);
    texts[step.part] = step.text;
    lost.set(step.loses, (lost.get(step.loses) ?? 0) + 1);
  }
  dropEmptyFolds(parts, texts);
  return { text: texts.join(""), lost };
}

/** From the inside out, so that a fold with empty folds only is empty too. */
function dropEmptyFolds(parts: readonly Part[], texts: string[]): void {
  const open: { at: number; bare: string; filled: boolean }[] = [];
  for (const [at, { fold: edge }] of parts.entries()) {
    if (edge?.opens) open.push({ at, bare: edge.bare, filled: false });
    else if (edge) {
      const last = open.pop();
      if (last && !last.filled) {
        texts[last.at] = last.bare;
        texts[at] = "";
      }
      const around = open.at(-1);
      if (around && (last?.filled || last?.bare)) around.filled = true;
    } else if (texts[at]?.trim()) {
      const last = open.at(-1);
      if (last) last.filled = true;
    }
  }
}

function shortenings(parts: readonly Part[]): { part: number; text: string; loses: Omission }[] {
  const rank = new Map(importance.map((omission, index) => [omission, index]));
  const steps = parts.flatMap(({ shorter = [] }, part) => shorter.map((step) => ({ part, ...step })));
  return steps.sort((a, b) => (rank.get(a.loses) ?? 0) - (rank.get(b.loses) ?? 0) || b.part - a.part);
}

/** `3 stacks of failed tests, 1 list of slowest tests`: most important first. */
export function lossNote(lost: ReadonlyMap<Omission, number>, files: string): string {
  if (lost.size === 0) return "";
  const list = importance
    .toReversed()
    .flatMap((omission) => {
      const times = lost.get(omission);
      return times === undefined ? [] : [count(times, omission, omissions[omission])];
    })
    .join(", ");
  return `> ✂️ GitHub limits the size of a summary, so this was left out: ${list}. The whole report is in ${files}.\n\n`;
}

/** The losses that give the longest possible note. */
export function everyLoss(parts: readonly Part[]): ReadonlyMap<Omission, number> {
  const times = new Map<Omission, number>(importance.map((omission) => [omission, 2]));
  const losses = parts.flatMap(({ shorter = [], lost = [] }) => [...shorter.map(({ loses }) => loses), ...lost]);
  for (const loses of losses) times.set(loses, (times.get(loses) ?? 0) + 1);
  return times;
}

/** Cuts to a number of bytes of UTF-8, never inside a character. */
export function cutBytes(text: string, maxBytes: number): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= maxBytes) return text;
  let end = Math.max(0, maxBytes);
  // Bytes of the form 10xxxxxx continue a character.
  while (end > 0 && ((bytes[end] ?? 0) & 0b1100_0000) === 0b1000_0000) end--;
  return bytes.toString("utf8", 0, end);
}
