import { type Difference, type Drift, type Facet, type FacetDrift, facets } from "../../model/staging.ts";
import type { Structure, Unseen } from "../structure/structure.ts";
import { type Fact, factsOf } from "./facts.ts";
import { type IgnoreRule, IgnoreRules } from "./ignore.ts";
import { type CatalogNames, sameSql } from "./sql-text.ts";

export interface CompareOptions {
  ignore?: readonly IgnoreRule[];
  /** Other catalogs of the original → what takes their place in the copy. The two catalogs themselves are always there. */
  catalogNames?: Readonly<Record<string, string>>;
}

type Side = "original" | "copy";
type Found = Omit<Difference, "facet"> & { facet: Facet };

/**
 * How far a copy's structure is from its original's. What one side could not see is neither equal nor different: a value that is
 * there was seen, but one that isn't there is only missing if its place was seen completely.
 */
export function compareStructures(original: Structure, copy: Structure, options: CompareOptions = {}): Drift {
  const comparison = new Comparison(original, copy, options);
  const rules = new IgnoreRules(options.ignore ?? []);
  const drift = Object.fromEntries(facets.map((facet) => [facet, comparison.drift(facet, rules)])) as Record<Facet, FacetDrift>;
  return { original: original.catalog, copy: copy.catalog, facets: drift, unusedRules: rules.unused() };
}

class Comparison {
  readonly #sides: Record<Side, Structure>;
  readonly #catalogs: CatalogNames;
  readonly #found: Found[] = [];
  readonly #compared = Object.fromEntries(facets.map((facet) => [facet, 0])) as Record<Facet, number>;

  constructor(original: Structure, copy: Structure, { catalogNames = {} }: CompareOptions) {
    this.#sides = { original, copy };
    const names = { ...catalogNames, [original.catalog]: copy.catalog };
    this.#catalogs = new Map(Object.entries(names).map(([from, to]) => [from.toLowerCase(), to.toLowerCase()]));
    this.#compare();
  }

  drift(facet: Facet, rules: IgnoreRules): FacetDrift {
    const found = this.#found.filter((difference) => difference.facet === facet).sort(byObject);
    const differences: Difference[] = [];
    const ignored: (Difference & { reason: string })[] = [];
    for (const difference of found) {
      const reason = rules.reasonFor(facet, difference.object, difference.item);
      if (reason === undefined) differences.push(difference);
      else ignored.push({ ...difference, reason });
    }
    const unseen = (["original", "copy"] as const).flatMap((side) =>
      this.#unseen(side, facet).map(({ within, why }) => {
        // Only a rule for everything, `*`, leaves out the whole catalog.
        const reason = rules.reasonFor(facet, within, undefined);
        return { side, within, why, ...(reason === undefined ? {} : { ignored: reason }) };
      }),
    );
    const isUnseen = unseen.some(({ ignored: reason }) => reason === undefined);
    return {
      verdict: differences.length > 0 ? "different" : isUnseen ? "unseen" : "equal",
      differences,
      unseen,
      ignored,
      compared: this.#compared[facet],
    };
  }

  #compare(): void {
    const [originals, copies] = [byKey(factsOf(this.#sides.original)), byKey(factsOf(this.#sides.copy))];
    const keys = [...new Set([...originals.keys(), ...copies.keys()])];
    /** Objects of which both sides have one, of the same kind. */
    const shared = new Set<string>();
    for (const key of keys) {
      const [fact, other] = [originals.get(key), copies.get(key)];
      const any = fact ?? other;
      if (!any?.exists || !any.parents.every((parent) => shared.has(parent))) continue;
      if (this.#compareFacts(fact, other)) shared.add(any.object);
    }
    for (const key of keys) {
      const [fact, other] = [originals.get(key), copies.get(key)];
      const any = fact ?? other;
      if (any && !any.exists && any.parents.every((parent) => shared.has(parent))) this.#compareFacts(fact, other);
    }
    for (const table of shared) this.#compareOrder(table);
  }

  /** Whether both sides have it, with the same value. */
  #compareFacts(fact: Fact | undefined, other: Fact | undefined): boolean {
    const any = fact ?? other;
    if (!any) return false;
    const { facet, object, item } = any;
    if (!fact && this.#isHidden("original", facet, object)) return false;
    if (!other && this.#isHidden("copy", facet, object)) return false;
    this.#compared[facet]++;
    if (fact && other && this.#sameValue(fact, other)) return true;
    this.#found.push({
      facet,
      object,
      ...(item === undefined ? {} : { item }),
      how: !other ? "missing" : !fact ? "additional" : "different",
      ...(fact ? { original: fact.value } : {}),
      ...(other ? { copy: other.value } : {}),
    });
    return false;
  }

  #sameValue(fact: Fact, other: Fact): boolean {
    if (fact.value === other.value) return fact.as !== "sql" && fact.as !== "name" ? true : this.#sameSql(fact, other);
    switch (fact.as) {
      case "sql":
      case "name":
        return this.#sameSql(fact, other);
      case "type":
        return withoutBlanks(fact.value) === withoutBlanks(other.value);
      case "any":
        return true;
      default:
        return false;
    }
  }

  #sameSql(fact: Fact, other: Fact): boolean {
    return sameSql(fact.value, other.value, this.#catalogs);
  }

  /** Columns that both have, in their order. */
  #compareOrder(name: string): void {
    const [schema = "", table = ""] = name.split(".");
    const [original, copy] = (["original", "copy"] as const).map((side) =>
      this.#sides[side].schemas[schema]?.tables[table]?.columns.map((column) => column.name.toLowerCase()),
    );
    if (!original || !copy || name !== `${schema}.${table}`) return;
    const [left, right] = [
      original.filter((column) => copy.includes(column)),
      copy.filter((column) => original.includes(column)),
    ];
    if (left.join("\0") === right.join("\0")) return;
    this.#found.push({
      facet: "columns",
      object: name,
      item: "order",
      how: "different",
      original: left.join(", "),
      copy: right.join(", "),
    });
  }

  #unseen(side: Side, facet: Facet): Unseen[] {
    return this.#sides[side].unseen.filter((one) => one.facet === facet);
  }

  #isHidden(side: Side, facet: Facet, object: string): boolean {
    return this.#unseen(side, facet).some(({ within }) => within === "" || within === object || object.startsWith(`${within}.`));
  }
}

/** A type without blanks, except in quoted names of fields. */
function withoutBlanks(type: string): string {
  return type.replace(/(`(?:``|[^`])*`)|\s+/g, "$1");
}

/** A table and a view of one name are the same object. */
function byKey(facts: readonly Fact[]): Map<string, Fact> {
  return new Map(facts.map((fact) => [JSON.stringify([fact.exists ? "" : fact.facet, fact.object, fact.item ?? ""]), fact]));
}

function byObject(a: Difference, b: Difference): number {
  const [left, right] = [`${a.object}\0${a.item ?? ""}`, `${b.object}\0${b.item ?? ""}`];
  return left < right ? -1 : left > right ? 1 : 0;
}
