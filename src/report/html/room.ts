import { count, numberText } from "../../lib/count.ts";
import { code, html, type Markup, nothing } from "./markup.ts";

/** The page has a limited size, whatever the reports have: lists draw as much as there is room for, and say what is missing. */

/** The bytes that a part of the page may have. */
export class Room {
  #left: number;

  constructor(bytes: number) {
    this.#left = bytes;
  }

  /** Draws a part of the page in a share of the room. What the part doesn't need is left for those after it. */
  part(share: number, draw: (room: Room) => Markup): Markup {
    const drawn = draw(new Room(this.#left * share));
    this.#left = Math.max(0, this.#left - bytesOf(drawn));
    return drawn;
  }

  /**
   * Draws items from the first on while there is room, at most so many.
   * @param share of the room that they may have
   * @param beside the bytes that an item needs elsewhere
   */
  fill<Item>(
    items: readonly Item[],
    most: number,
    draw: (item: Item, index: number) => Markup,
    { share = 1, beside }: { share?: number; beside?: (item: Item) => number } = {},
  ): Markup[] {
    const reserved = this.#left * (1 - share);
    const drawn: Markup[] = [];
    for (const item of items) {
      if (drawn.length === most) break;
      const one = draw(item, drawn.length);
      const bytes = bytesOf(one) + (beside?.(item) ?? 0);
      if (this.#left - bytes < reserved) break;
      this.#left -= bytes;
      drawn.push(one);
    }
    return drawn;
  }
}

function bytesOf({ text }: Markup): number {
  return Buffer.byteLength(text);
}

/** `2,000 of 30,000 rows are shown; all are in <file>.`; nothing if all are shown. @param file absent if several reports have them */
export function shownOf(shown: number, all: number, what: string, file: string | undefined): Markup {
  if (shown >= all) return nothing;
  const where = file === undefined ? "the reports of the stages" : code(file);
  return html`<p class="note">${numberText(shown)} of ${count(all, what)} ${shown === 1 ? "is" : "are"} shown; all are in ${where}.</p>`;
}
