import type { Structure } from "../../src/staging/structure/structure.ts";
import type { Side } from "./world.ts";

/**
 * What must be found after edits: each edit says what it did, and edits of one thing are folded together, so that those which cancel
 * each other leave nothing. What is in something that one side lacks is not reported of its own.
 */

/** `undefined`: it isn't there. Values of both sides are equal if they mean the same. */
export interface Change {
  facet: string;
  object: string;
  item?: string;
  before: string | undefined;
  after: string | undefined;
  /** The existence of the object: the value is its kind. */
  exists?: true;
}

export class Ledger {
  readonly #slots = new Map<string, { change: Change; now: Record<Side, string | undefined> }>();
  #count = 0;

  record(side: Side, changes: readonly Change[]): void {
    this.#count++;
    for (const change of changes) {
      const key = change.exists ? `exists ${change.object}` : JSON.stringify([change.facet, change.object, change.item]);
      const slot = this.#slots.get(key) ?? { change, now: { original: change.before, copy: change.before } };
      slot.now[side] = change.after;
      this.#slots.set(key, slot);
    }
  }

  get edits(): number {
    return this.#count;
  }

  /** `facet object item how`, sorted. */
  expected(worlds: Record<Side, Structure>): string[] {
    const slots = [...this.#slots.values()];
    // What was made and dropped again is on neither side.
    const isShared = ({ original, copy }: Record<Side, string | undefined>): boolean =>
      original !== undefined && original === copy;
    const unshared = slots.filter(({ change, now }) => change.exists && !isShared(now)).map(({ change }) => change.object);
    const isWithinUnshared = (object: string, itself: boolean): boolean =>
      unshared.some((one) => object.startsWith(`${one}.`) || (itself && object === one));
    const found = slots
      .filter(({ change, now }) => now.original !== now.copy && !isWithinUnshared(change.object, !change.exists))
      .map(({ change, now }) => {
        const kind = now.original ?? now.copy;
        const facet = change.exists
          ? ({ schema: "schemas", view: "views", column: "columns" }[kind ?? ""] ?? "tables")
          : change.facet;
        const how = now.copy === undefined ? "missing" : now.original === undefined ? "additional" : "different";
        return words(facet, change.object, change.item, how);
      });
    return [...found, ...wrongOrders(worlds, unshared)].sort();
  }
}

/** Columns that both sides have, in another order. */
function wrongOrders(worlds: Record<Side, Structure>, unshared: readonly string[]): string[] {
  return Object.entries(worlds.original.schemas).flatMap(([schema, { tables }]) =>
    Object.entries(tables).flatMap(([table, { columns }]) => {
      const name = `${schema}.${table}`;
      const other = worlds.copy.schemas[schema]?.tables[table];
      if (!other || unshared.some((one) => one === schema || one === name)) return [];
      const [a, b] = [columns, other.columns].map((all) => all.map((column) => column.name.toLowerCase()));
      const common = (a ?? []).filter((column) => b?.includes(column));
      const same = common.join() === (b ?? []).filter((column) => common.includes(column)).join();
      return same ? [] : [words("columns", name, "order", "different")];
    }),
  );
}

export function words(facet: string, object: string, item: string | undefined, how: string): string {
  return [facet, object, ...(item === undefined ? [] : [`[${item}]`]), how].join(" ");
}

/** A generator of numbers that a seed repeats. */
export class Dice {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** 0 ≤ n < limit */
  below(limit: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 4294967296) * limit);
  }

  pick<Item>(items: readonly Item[]): Item | undefined {
    return items[this.below(items.length)];
  }
}
