import { isAbsolute, join } from "node:path";
import { count } from "../lib/count.ts";
import type { Check } from "../model/report.ts";
import { type Drift, driftSum, type Facet, type FacetDrift, facets, facetTitles } from "../model/staging.ts";
import { UserError } from "../model/user-error.ts";
import { type CompareOptions, compareStructures } from "../staging/drift/compare.ts";
import { readStructure } from "../staging/structure/read.ts";
import type { Structure } from "../staging/structure/structure.ts";
import { failedIfWrongTarget } from "./connections.ts";
import { reportCheck, type StageContext, type StageOutcome, step } from "./context.ts";
import { catalogsOf, isOneWorkspace, withReaderOf } from "./copy.ts";
import { checksLeftOut } from "./policy-checks.ts";

/** Compares the structure of a copy with that of its original. It only reads. */
export async function drift(context: StageContext, outcome: StageOutcome): Promise<void> {
  if (context.overrides.writeSnapshot !== undefined) {
    const file = context.overrides.writeSnapshot;
    outcome.checks.push(await reportCheck(context, takeSnapshot(context, file)));
    return;
  }
  const both = await readBoth(context, outcome);
  if (!both) return;
  const compared = compareStructures(both.original, both.copy, await compareOptions(context));
  const found = both.snapshot === undefined ? compared : besideSnapshot(compared, both.snapshot);
  const place = found.place ?? placeInConfiguration(context);
  outcome.staging = { ...outcome.staging, drift: { ...found, ...(place ? { place } : {}) } };
  outcome.checks.push(...(await reportCheck(context, Promise.resolve(facetChecks(found, unseenVerdict(context))))));
  await context.audit(driftNote(found));
}

/** Writes the original's structure to a file, which a job that can't read production compares with. */
function takeSnapshot(context: StageContext, file: string): Promise<Check> {
  return context.check("drift.snapshot", "Snapshot of the original", () =>
    failedIfWrongTarget(async () => {
      const { original: catalog } = catalogsOf(context);
      const { writeSnapshot } = await import("../staging/structure/snapshot.ts");
      const structure = await withReaderOf(context, context.environment, context.signal, (warehouse) => {
        step(context, `reading the structure of ${catalog}`);
        return readStructure(warehouse, catalog, new Date());
      });
      const hidden = structure.unseen.filter(({ within, facet }) => within === "" && facet === "tables");
      if (hidden.length > 0)
        return {
          verdict: "error",
          observed: "not written",
          message: `${reasonsOf(hidden.map((one) => ({ ...one, side: catalog })))}.`,
        };
      const { writeFile } = await import("node:fs/promises");
      await writeFile(isAbsolute(file) ? file : join(context.workspace, file), context.secrets.redact(writeSnapshot(structure)));
      return { verdict: "passed", observed: `${sizeOf(structure)}, written to ${file}` };
    }),
  );
}

/** What drift and sync leave out, and which catalogs stand for each other. */
export async function compareOptions(context: Pick<StageContext, "config" | "workspace">): Promise<CompareOptions> {
  const { config } = context;
  const ignore = (config.staging?.drift.ignore ?? []).map(({ object, facet, item, reason }) => ({
    object,
    reason,
    ...(facet === undefined ? {} : { facet }),
    ...(item === undefined ? {} : { item }),
  }));
  return { ignore: [...ignore, ...(await checksLeftOut(context))], catalogNames: config.staging?.catalogs ?? {} };
}

export function unseenVerdict({ config }: Pick<StageContext, "config">): "error" | "degraded" {
  return config.staging?.drift.unseen ?? "error";
}

interface Both {
  original: Structure;
  copy: Structure;
  /** The file that took the place of the original's catalog. */
  snapshot?: { file: string; text: string };
}

function placeInConfiguration({ configPlace }: StageContext): Drift["place"] {
  const { file, line } = configPlace?.(["staging", "copy"]) ?? {};
  return file === undefined || line === undefined ? undefined : { file, line };
}

/** Each difference with the line of its table in the snapshot, or of its schema. */
function besideSnapshot(found: Drift, { file, text }: { file: string; text: string }): Drift {
  const lines = text.split("\n");
  const after = (from: number, key: string): number | undefined => {
    const at = lines.findIndex((line, index) => index >= from && line.trimStart().startsWith(`${JSON.stringify(key)}:`));
    return at < 0 ? undefined : at;
  };
  const begin = after(0, "schemas") ?? 0;
  const lineOf = (name: string): number => {
    const [schema = "", table] = name.split(".");
    const ofSchema = after(begin + 1, schema);
    if (ofSchema === undefined) return 1;
    return 1 + ((table === undefined ? undefined : after(ofSchema + 1, table)) ?? ofSchema);
  };
  const withLines = facets.map((facet) => {
    const { differences, ...rest } = found.facets[facet];
    return [
      facet,
      { ...rest, differences: differences.map((one) => ({ ...one, line: lineOf(one.object.split(".").slice(0, 2).join(".")) })) },
    ] as const;
  });
  return { ...found, original: file, facets: Object.fromEntries(withLines) as Drift["facets"], place: { file, line: 1 } };
}

/** As a check, which is the only one if something could not be read. */
async function readBoth(context: StageContext, outcome: StageOutcome): Promise<Both | undefined> {
  const { snapshot } = context.config.staging?.drift ?? {};
  let both: Both | undefined;
  const check = await context.check("drift.read", "Both structures", () =>
    failedIfWrongTarget(async () => {
      both = snapshot === undefined ? await readCatalogs(context) : await readWithSnapshot(context, snapshot);
      return { verdict: "passed", observed: `${sizeOf(both.original, both.snapshot?.file)}; ${sizeOf(both.copy)}` };
    }),
  );
  outcome.checks.push(await reportCheck(context, Promise.resolve(check)));
  return check.verdict === "passed" ? both : undefined;
}

function sizeOf({ catalog, schemas }: Structure, snapshot?: string): string {
  const tables = Object.values(schemas).flatMap((schema) => Object.values(schema.tables));
  const columns = tables.reduce((sum, table) => sum + table.columns.length, 0);
  return `${snapshot ?? catalog}: ${count(Object.keys(schemas).length, "schema")}, ${count(tables.length, "table or view", "tables and views")}, ${count(columns, "column")}`;
}

/** One principal sees both, so that what it can't see is missing on both sides, and said. */
async function readCatalogs(context: StageContext): Promise<Both> {
  const { environment, original } = context;
  if (!isOneWorkspace(context)) return await readTwoWorkspaces(context);
  const catalogs = catalogsOf(context);
  return await withReaderOf(context, environment, context.signal, async (warehouse) => {
    step(context, `reading the structure of ${catalogs.original} (${original?.name})`);
    const first = await readStructure(warehouse, catalogs.original, new Date());
    step(context, `reading the structure of ${catalogs.copy} (${environment.name})`);
    return { original: first, copy: await readStructure(warehouse, catalogs.copy, new Date()) };
  });
}

/** Each side with its own environment's sign-in. */
async function readTwoWorkspaces(context: StageContext): Promise<Both> {
  const { environment, original, config } = context;
  const other = original && Object.hasOwn(config.environments, original.name) ? config.environments[original.name] : undefined;
  if (!original || !other?.databricks)
    throw new UserError(
      "EA2136",
      `the environment ${original?.name} is in another workspace than ${environment.name}, and its variables are not set here: set them, or compare with a snapshot (staging.drift.snapshot)`,
    );
  const sides = [{ ...other, name: original.name }, environment].map((side) =>
    withReaderOf(context, side, context.signal, async (warehouse) => {
      step(context, `reading the structure of ${warehouse.catalog} (${side.name})`);
      return await readStructure(warehouse, warehouse.catalog, new Date());
    }),
  );
  const [first, second] = await Promise.all(sides);
  if (!first || !second) throw new Error("a structure is missing");
  return { original: first, copy: second };
}

async function readWithSnapshot(context: StageContext, snapshot: string): Promise<Both> {
  const { environment, workspace } = context;
  const file = isAbsolute(snapshot) ? snapshot : join(workspace, snapshot);
  const [{ readFile }, { readSnapshot }] = await Promise.all([
    import("node:fs/promises"),
    import("../staging/structure/snapshot.ts"),
  ]);
  const text = await readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
    throw new UserError(
      "EA2137",
      `${snapshot}: the snapshot cannot be read (${error.code ?? "unknown reason"}); write it with \`env-actions staging drift --write-snapshot ${snapshot}\`, where the original can be read`,
      { cause: error },
    );
  });
  const original = readSnapshot(text, snapshot);
  return await withReaderOf(context, environment, context.signal, async (warehouse) => {
    step(context, `reading the structure of ${warehouse.catalog} (${environment.name})`);
    return { original, copy: await readStructure(warehouse, warehouse.catalog, new Date()), snapshot: { file: snapshot, text } };
  });
}

/** Named in a check's message; the report has all of them. */
const mostNamed = 5;

const idOf = (facet: Facet): string => `drift.${facet}`;

/** One check for each facet. @param unseen the verdict if nothing differs, but not everything was seen */
export function facetChecks(found: Drift, unseen: "error" | "degraded"): Check[] {
  const isEmpty = facets.every((facet) => found.facets[facet].compared === 0);
  const checks = facets.map((facet): Check => {
    const { verdict, differences, compared, ignored } = found.facets[facet];
    const aside = ignored.length > 0 ? `, ${count(ignored.length, "ignored difference")}` : "";
    const base = { id: idOf(facet), title: facetTitles[facet], durationMs: 0 };
    if (verdict === "equal")
      return {
        ...base,
        verdict: "passed",
        observed: compared === 0 ? `nothing to compare${aside}` : `${compared} equal${aside}`,
      };
    if (verdict === "different")
      return {
        ...base,
        verdict: "failed",
        observed: `${differences.length} of ${compared} differ${aside}`,
        expected: "none",
        message: differentMessage(found, facet),
      };
    return {
      ...base,
      verdict: unseen,
      observed: `${compared} equal, and not everything could be seen${aside}`,
      expected: "everything seen",
      message: unseenMessage(found.facets[facet]),
    };
  });
  return isEmpty ? [...checks, nothingCompared(found)] : checks;
}

/** Two catalogs without anything are as good as two that nobody looked at. */
function nothingCompared({ original, copy }: Drift): Check {
  return {
    id: "drift.nothing",
    title: "Something to compare",
    verdict: "error",
    observed: "nothing",
    message: `Neither ${original} nor ${copy} showed anything that could be compared: look at the names of the catalogs, at the rights on them, and at the rules that leave things out (staging.drift.ignore).`,
    durationMs: 0,
  };
}

function differentMessage(found: Drift, facet: Facet): string {
  const { differences, unseen } = found.facets[facet];
  const named = differences.slice(0, mostNamed).map(({ object, item, how }) => {
    const what = item === undefined ? object : `${object} (${item})`;
    return how === "different"
      ? `${what} differs`
      : `${what} is ${how === "missing" ? `missing in ${found.copy}` : `only in ${found.copy}`}`;
  });
  const more = differences.length > mostNamed ? `, and ${differences.length - mostNamed} more` : "";
  const rest = unseen.length > 0 ? " Not everything could be seen." : "";
  return `${named.join(", ")}${more}.${rest} \`env-actions staging sync\` shows what makes them equal.`;
}

function unseenMessage({ unseen }: FacetDrift): string {
  const counting = unseen.filter(({ ignored }) => ignored === undefined);
  return `${reasonsOf(counting)}. A right that is missing can hide a difference, so this is no pass.`;
}

/** The first reasons, each once and none of them long: the report has all. */
export function reasonsOf(unseen: readonly { side: string; why: string }[]): string {
  const why = [...new Set(unseen.map(({ side, why: reason }) => `${side}: ${shortened(reason)}`))];
  const named = why.slice(0, mostReasons);
  return [...named, ...(why.length > mostReasons ? [`and ${why.length - mostReasons} more`] : [])].join("; ");
}

const mostReasons = 3;
const longestReason = 160;

function shortened(text: string): string {
  return text.length <= longestReason ? text : `${text.slice(0, longestReason).trimEnd()}…`;
}

export function driftNote(found: Drift) {
  const { verdict, differences, unseen } = driftSum(found);
  const each = facets.map((facet) => found.facets[facet]);
  return {
    action: "decision" as const,
    details: { what: "drift" as const, original: found.original, copy: found.copy, verdict },
    counts: {
      compared: each.reduce((sum, facet) => sum + facet.compared, 0),
      differences,
      unseen,
      ignored: each.reduce((sum, facet) => sum + facet.ignored.length, 0),
    },
  };
}
