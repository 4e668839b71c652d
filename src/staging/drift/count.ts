import { type Difference, type Drift, type Facet, type FacetVerdict, facets } from "../../model/staging.ts";

/** What a report shows of a drift first. */
export interface DriftSummary {
  /** `equal` only if every facet is. */
  verdict: FacetVerdict;
  /** Facets by verdict, in the order of {@link facets}. */
  byVerdict: Record<FacetVerdict, Facet[]>;
  differences: number;
  missing: number;
  additional: number;
  different: number;
  ignored: number;
  /** Places that could not be seen, each once, with the facets that are concerned. */
  unseen: { side: "original" | "copy"; within: string; why: string; facets: Facet[] }[];
  compared: number;
  /** Every difference, with those that concern most first: schemas, then tables, and so on; within a facet by object. */
  all: Difference[];
}

export function summariseDrift(drift: Drift): DriftSummary {
  const all = facets.flatMap((facet) => drift.facets[facet].differences);
  const of = (verdict: FacetVerdict): Facet[] => facets.filter((facet) => drift.facets[facet].verdict === verdict);
  const byVerdict = { equal: of("equal"), different: of("different"), unseen: of("unseen") };
  const how = (wanted: Difference["how"]): number => all.filter((difference) => difference.how === wanted).length;
  const sum = (count: (facet: Facet) => number): number => facets.reduce((total, facet) => total + count(facet), 0);
  return {
    verdict: byVerdict.different.length > 0 ? "different" : byVerdict.unseen.length > 0 ? "unseen" : "equal",
    byVerdict,
    differences: all.length,
    missing: how("missing"),
    additional: how("additional"),
    different: how("different"),
    ignored: sum((facet) => drift.facets[facet].ignored.length),
    unseen: unseenPlaces(drift),
    compared: sum((facet) => drift.facets[facet].compared),
    all,
  };
}

function unseenPlaces(drift: Drift): DriftSummary["unseen"] {
  const places = new Map<string, DriftSummary["unseen"][number]>();
  for (const facet of facets)
    for (const { side, within, why, ignored } of drift.facets[facet].unseen) {
      if (ignored !== undefined) continue;
      const key = JSON.stringify([side, within, why]);
      const place = places.get(key) ?? { side, within, why, facets: [] };
      if (!place.facets.includes(facet)) place.facets.push(facet);
      places.set(key, place);
    }
  return [...places.values()];
}
