import type { Row } from "../../warehouse/connection.ts";

/**
 * How a branch is named and marked. The name alone proves nothing, because anybody can give it: a branch is dropped only if its
 * name, the comment that was written when it was created, and its owner all say that it is ours.
 */

/** Between the name of the original and the run's id. */
const infix = "_ea_";
const runPattern = "(\\d{13}_[0-9a-f]{8})";

/** `classwaves` and a run → `classwaves_ea_1763920000000_1a2b3c4d`. */
export function branchName(original: string, runId: string): string {
  return `${original.toLowerCase()}${infix}${runId}`;
}

/** The run of a branch of this catalog or schema, by its name; undefined if it isn't named like one. */
export function runOfName(name: string, original: string): string | undefined {
  const beginning = `${original.toLowerCase()}${infix}`;
  const rest = name.toLowerCase().startsWith(beginning) ? name.slice(beginning.length) : "";
  return new RegExp(`^${runPattern}$`).exec(rest)?.[1];
}

/** The schema, and the run, of a schema of a branch; undefined if it isn't named like one. */
export function partsOfSchema(name: string): { schema: string; runId: string } | undefined {
  const [, schema, runId] = new RegExp(`^(.+)${infix}${runPattern}$`).exec(name.toLowerCase()) ?? [];
  return schema === undefined || runId === undefined ? undefined : { schema, runId };
}

/** What is written into the comment of a branch. */
export interface Marker {
  /** The catalog that it is a copy of. */
  of: string;
  runId: string;
  /** The principal that created it. */
  by: string;
  /** The name of the environment in the configuration. */
  environment: string;
  /** Unix milliseconds: after this, the run has ended, because its budget and that of its cleanup are used up. */
  endsBy: number;
}

const formatVersion = 1;

/** For people first: a catalog's comment is shown wherever catalogs are listed. */
export function markerComment({ of, runId, by, environment, endsBy }: Marker): string {
  const data = { envActionsBranch: formatVersion, of: of.toLowerCase(), run: runId, by, environment, endsBy };
  return `Copy of ${of} for one test run of env-actions, which drops it at its end. ${JSON.stringify(data)}`;
}

/** @returns undefined if the comment isn't a marker */
export function readMarker(comment: string): Marker | undefined {
  const start = comment.indexOf("{");
  if (start < 0) return undefined;
  try {
    const told = JSON.parse(comment.slice(start)) as Record<string, unknown>;
    const { of, run, by, environment, endsBy } = told;
    const isMarker =
      told.envActionsBranch === formatVersion &&
      [of, run, by, environment].every((value) => typeof value === "string") &&
      typeof endsBy === "number";
    return isMarker
      ? { of: String(of), runId: String(run), by: String(by), environment: String(environment), endsBy: Number(endsBy) }
      : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** A text constant of SQL. */
export function sqlText(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}

/** A catalog, or a schema of one, that is named like a branch. */
export interface FoundPart {
  /** The catalog or schema. */
  name: string;
  runId: string;
  owner: string;
  comment: string;
  /** Unix milliseconds; undefined if the warehouse doesn't say. */
  createdAt: number | undefined;
}

export function partOf(row: Row, runId: string): FoundPart {
  const created = row.created instanceof Date ? row.created.getTime() : Date.parse(String(row.created ?? ""));
  return {
    name: String(row.name),
    runId,
    owner: String(row.owner ?? ""),
    comment: String(row.comment ?? ""),
    createdAt: Number.isNaN(created) ? undefined : created,
  };
}

/** Why this must not be dropped, although its name is that of a branch; undefined if it is certainly ours. */
export function whyNotOurs(part: FoundPart, { of, principal }: { of: string; principal: string }): string | undefined {
  if (part.name.toLowerCase() === of.toLowerCase()) return "it is the environment's own catalog";
  const marker = readMarker(part.comment);
  if (!marker) return "its comment is not the one that env-actions writes";
  if (marker.runId !== part.runId) return "its comment names another run";
  if (marker.of !== of.toLowerCase()) return `its comment says that it is a copy of ${marker.of}`;
  if (part.owner.toLowerCase() !== principal.toLowerCase())
    return `it belongs to ${part.owner || "an unknown owner"}, and this is ${principal}`;
  return undefined;
}

/**
 * Whether its run has certainly ended and it is old enough to sweep. Both clocks must say so: the runner's, in the run's id, and
 * the warehouse's.
 */
export function isExpired(part: FoundPart, { now, expireAfter }: { now: number; expireAfter: number }): boolean {
  const started = Math.max(Number(part.runId.split("_")[0]), part.createdAt ?? Number.POSITIVE_INFINITY);
  const endsBy = readMarker(part.comment)?.endsBy ?? Number.POSITIVE_INFINITY;
  return started + expireAfter < now && endsBy < now;
}
