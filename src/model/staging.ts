/** What the tasks about a copy of production report: its drift, and what was done to it. */

/** What can be asked for. `reset` is a seed of the emptied copy. */
export const stagingTasks = ["drift", "sync", "refresh", "seed", "reset", "sweep"] as const;
export type StagingTask = (typeof stagingTasks)[number];

/** The stage that does the task. */
export function stageOfTask(task: StagingTask): Exclude<StagingTask, "reset"> {
  return task === "reset" ? "seed" : task;
}

/** What two structures are compared by, in the order in which a report lists it. */
export const facets = [
  "schemas",
  "tables",
  "views",
  "columns",
  "types",
  "nullability",
  "defaults",
  /** Generated columns and identity columns. */
  "generated",
  "comments",
  /** CHECK, primary keys and foreign keys. */
  "constraints",
  /** TBLPROPERTIES. */
  "properties",
  /** CLUSTER BY and PARTITIONED BY. */
  "clustering",
  /** Privileges and owners. */
  "grants",
  /** Row filters, column masks and tags. */
  "policies",
] as const;
export type Facet = (typeof facets)[number];

/** For people. */
export const facetTitles: Readonly<Record<Facet, string>> = {
  schemas: "Schemas",
  tables: "Tables",
  views: "Views",
  columns: "Columns",
  types: "Types",
  nullability: "NOT NULL",
  defaults: "Defaults",
  generated: "Generated and identity columns",
  comments: "Comments",
  constraints: "Constraints",
  properties: "Table properties",
  clustering: "Clustering and partitioning",
  grants: "Grants and owners",
  policies: "Row filters, masks and tags",
};

/** `unseen`: nothing different was found, but not everything could be seen. It is never a pass. */
export const facetVerdicts = ["equal", "different", "unseen"] as const;
export type FacetVerdict = (typeof facetVerdicts)[number];

/** How far a copy's structure is from its original's, facet by facet. */
export interface Drift {
  /** The catalogs that were compared; a snapshot's file takes the place of a catalog. */
  original: string;
  copy: string;
  facets: Record<Facet, FacetDrift>;
  /** Where the original is written: its snapshot, or the copy's name in the configuration. */
  place?: { file: string; line: number };
  /** Rules that left nothing out. */
  unusedRules: { object: string; facet?: Facet; item?: string; reason: string }[];
}

/** All facets together: the worst verdict, and how much differs and could not be seen. */
export function driftSum({ facets: found }: Drift): { verdict: FacetVerdict; differences: number; unseen: number } {
  const each = facets.map((facet) => found[facet]);
  const worst = (["different", "unseen"] as const).find((verdict) => each.some((facet) => facet.verdict === verdict));
  return {
    verdict: worst ?? "equal",
    differences: each.reduce((sum, facet) => sum + facet.differences.length, 0),
    unseen: each.reduce((sum, facet) => sum + facet.unseen.filter(({ ignored }) => ignored === undefined).length, 0),
  };
}

export interface FacetDrift {
  verdict: FacetVerdict;
  /** Sorted by object. */
  differences: Difference[];
  /** What could not be seen, on which side. */
  unseen: UnseenPlace[];
  /** Differences that a rule leaves out, with its reason. */
  ignored: (Difference & { reason: string })[];
  /** How many things were compared: objects, columns, or texts. 0: the catalogs have nothing of it. */
  compared: number;
}

export interface UnseenPlace {
  side: "original" | "copy";
  /** "" for all of the catalog, `(catalog)` for the catalog itself, otherwise an object with everything in it. */
  within: string;
  why: string;
  /** The reason of a rule that leaves it out; it then doesn't count for the verdict. */
  ignored?: string;
}

export interface Difference {
  facet: Facet;
  /** `schema`, `schema.table` or `schema.table.column`; `(catalog)` for the catalog itself. */
  object: string;
  /** What of the object, if it has several: a property's key, a constraint's name, a privilege and its principal. */
  item?: string;
  /** Seen from the copy: it lacks something, has something of its own, or has it differently. */
  how: "missing" | "additional" | "different";
  original?: string;
  copy?: string;
  /** Its line in the snapshot. */
  line?: number;
}

/** A step of a plan that makes the copy's structure equal to the original's. */
export interface SyncStep {
  /** `schema`, `schema.table` or `schema.table.column`. */
  object: string;
  facet: Facet;
  statement: string;
  /** What is lost, if anything: such a step needs the plan's digest. */
  loses?: "rows" | "values" | "access" | "irreversible upgrade";
  outcome: "planned" | "done" | "failed" | "not reached";
  /** Why it failed. */
  problem?: string;
}

export interface SyncResult {
  digest: string;
  steps: SyncStep[];
  /**
   * Why nothing was executed: the plan loses something, and so needs its digest; or the digest is of another plan, because one of
   * the structures changed since.
   */
  withheld?: "digest needed" | "other digest";
  /** Differences that no statement can remove, each with what can be done in its place. */
  impossible: { object: string; facet: Facet; why: string; instead: string }[];
  /** The differences that are left after the execution; undefined if nothing was executed. */
  left?: number;
}

export interface RefreshedTable {
  /** `schema.table` */
  table: string;
  /** `omitted`: its policy leaves it out. `built`: it waits for the switch. */
  state: "omitted" | "pending" | "built" | "switched";
  /** The original's version that it was read at. */
  version?: number;
  rows?: number;
}

export interface RefreshResult {
  id: string;
  /** ISO 8601. */
  startedAt: string;
  tables: RefreshedTable[];
  /** Hash of the policies. */
  policies: string;
  /** Production values of sanitised columns that were found in the copy before the switch. */
  leaks: number;
  /**
   * Values that production has, too, but that say nothing of anybody: the policy makes them of other values as well, such as a constant
   * or the first day of a month. Absent in records of older versions.
   */
  chance?: number;
  /** The smallest group of the quasi-identifiers; undefined if none are declared. */
  k?: number;
  suppressedRows: number;
  orphans: number;
  /** Rows of the original that were left out, because they refer to rows that it doesn't have. */
  leftOut: number;
  /** ISO 8601: after this the copy must be gone or refreshed. */
  keepUntil: string;
  switched: boolean;
  /** Nothing was read or checked yet: the counts of what was found say nothing. */
  planned?: boolean;
  /** Why the copy was not switched: what the checks found, with counts. */
  problems?: string[];
}

export interface SeedResult {
  seed: number;
  /** `YYYY-MM-DD`: the day that the rows are relative to. */
  day: string;
  /** Rows that were added. */
  tables: { table: string; rows: number }[];
  /** Tables that were emptied before. */
  emptied: string[];
  /** Only shown, nothing was written: `tables` have no rows yet, `emptied` would be. */
  planned?: true;
}

/** What a run or a refresh left in the copy's workspace. */
export interface SweptThing {
  what: "branch" | "working schema" | "old copy";
  /** The catalog, or the schemas. */
  name: string;
  /** `planned`: it would be dropped. `left`: it could not be dropped, or is not proven gone. */
  state: "planned" | "dropped" | "kept" | "left";
  /** Why it is kept or left. */
  why?: string;
}

export interface SweepResult {
  /** Only shown, nothing was dropped. */
  planned: boolean;
  things: SweptThing[];
}

/** By task. */
export interface StagingResult {
  sweep?: SweepResult;
  drift?: Drift;
  sync?: SyncResult;
  refresh?: RefreshResult;
  seed?: SeedResult;
}
