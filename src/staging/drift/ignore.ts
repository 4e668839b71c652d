import type { Facet } from "../../model/staging.ts";

/** Leaves differences out. Case doesn't matter, and `*` stands for any text: `sessions.*` is everything in the schema. */
export interface IgnoreRule {
  /** `schema`, `schema.table`, `schema.table.column`, or `(catalog)` for the catalog itself. */
  object: string;
  /** Absent: every facet. */
  facet?: Facet;
  /** What of the object, such as `OWNER` or a property's key; absent: everything. */
  item?: string;
  reason: string;
  /** Whether it may leave out nothing: it follows from something else, and nobody wrote it for drift. */
  implied?: true;
}

/** Rules, of which each knows whether it was needed. */
export class IgnoreRules {
  readonly #rules: { rule: IgnoreRule; object: RegExp; item: RegExp | undefined }[];
  readonly #used = new Set<IgnoreRule>();

  constructor(rules: readonly IgnoreRule[]) {
    this.#rules = rules.map((rule) => ({
      rule,
      object: glob(rule.object),
      item: rule.item === undefined ? undefined : glob(rule.item),
    }));
  }

  /** The reason of the first rule that leaves this out. @param item undefined: all of the object */
  reasonFor(facet: Facet, object: string, item: string | undefined): string | undefined {
    const matching = this.#rules.filter(
      ({ rule, object: names, item: items }) =>
        (rule.facet === undefined || rule.facet === facet) &&
        names.test(object) &&
        (items === undefined || items.test(item ?? "")),
    );
    for (const { rule } of matching) this.#used.add(rule);
    return matching[0]?.rule.reason;
  }

  unused(): IgnoreRule[] {
    return this.#rules.map(({ rule }) => rule).filter((rule) => !rule.implied && !this.#used.has(rule));
  }
}

function glob(text: string): RegExp {
  const literal = text.split("*").map((part) => part.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&"));
  return new RegExp(`^${literal.join(".*")}$`, "is");
}
