import { readConfiguration } from "../app/read-configuration.ts";
import { newRunId } from "../cleanup/run-id.ts";
import { type ComparedShape, compareShapes, type Fact, factGroups, pairGroup } from "../compare/facts.ts";
import { type CheckComparison, compareEnvironments, onlyInOne } from "../compare/from-history.ts";
import type { Config } from "../config/schema.ts";
import { errorText } from "../lib/error-text.ts";
import { suggestion } from "../lib/nearest.ts";
import type { HistoryRecord } from "../model/history.ts";
import { UserError } from "../model/user-error.ts";
import { printedJson } from "../report/inert.ts";
import { measureInTurns, type RouteComparison } from "../stages/compare/api.ts";
import { askSide, type SideAnswers, unknownSide } from "../stages/compare/side.ts";
import { driftInHistory, type StructureComparison, structureNow } from "../stages/compare/structure.ts";
import type { WarehouseAccess } from "../stages/connections.ts";
import type { Arguments } from "./arguments.ts";
import type { CompareArguments } from "./compare-arguments.ts";
import type { GuardedTerminal } from "./main.ts";

/** What `env-actions compare --json` prints, and what the terminal shows of it. */
export interface Comparison {
  schemaVersion: 1;
  a: string;
  b: string;
  /** ISO 8601. */
  at: string;
  latency: {
    /** From the history: each check that both measured. */
    checks: CheckComparison[];
    /** Checks with a latency that only one of them measured. */
    onlyInA: string[];
    onlyInB: string[];
    /** Why the history could not be read, or only in part. */
    unknown?: string;
    /** With --measure: each route that both have; or why none was measured. */
    turns?: RouteComparison[] | { unknown: string };
  };
  facts: Fact[];
  shape: ComparedShape;
  structure: StructureComparison;
  /** What was reached, and isn't what the configuration expects. */
  wrong: string[];
}

/** Long enough for two sleeping warehouses to start. */
const withinMs = 10 * 60_000;
/** More are not looked at for 50 runs. */
const mostRecords = 200;

/**
 * Compares two environments. It only reads, in both. A difference is information, so it fails nothing.
 * @returns 0; 1 if something else than the configured environment was reached; 3 if nothing at all could be compared
 * @throws UserError
 */
export async function compare(args: Arguments, world: GuardedTerminal): Promise<number> {
  const { compare: asked } = args;
  if (!asked) throw new Error("compare without arguments");
  await refuseUnknown(args, asked, world);
  const signal = AbortSignal.timeout(args.budgetMs ?? withinMs);
  const say = (text: string) => void (args.verbose && world.stderr.write(`${text}\n`));
  const places = await readBoth(args, asked, world);
  const [answers, found] = await Promise.all([
    Promise.all(
      places.map((place) =>
        "unknown" in place ? unknownSide(place.unknown) : askSide(place.access, { signal, say, sizes: asked.sizes }),
      ),
    ),
    recordsOf(args, asked, world),
  ]);
  const [ofA, ofB] = answers as [SideAnswers, SideAnswers];
  const structure = await structureOf(asked, places, found.records, { signal, say });
  const only = onlyInOne(found.records, asked.a, asked.b);
  const comparison: Comparison = {
    ...{ schemaVersion: 1, a: asked.a, b: asked.b, at: new Date().toISOString() },
    latency: {
      checks: compareEnvironments(found.records, asked.a, asked.b),
      ...{ onlyInA: only.a, onlyInB: only.b },
      ...(found.unknown === undefined ? {} : { unknown: found.unknown }),
      // Last, so that nothing else is asked meanwhile.
      ...(asked.measure ? { turns: await turnsOf(places, { signal, say }) } : {}),
    },
    facts: factGroups.flatMap((group) => pairGroup(group, ofA.groups[group], ofB.groups[group])),
    shape: compareShapes(ofA.shape, ofB.shape, [asked.a, asked.b]),
    structure,
    wrong: [...ofA.wrong, ...ofB.wrong],
  };
  if (args.json) world.stdout.write(`${world.secrets.redact(printedJson(comparison))}\n`);
  else {
    const [{ comparisonLines }, { Screen }] = await Promise.all([import("./compare-text.ts"), import("./screen.ts")]);
    const screen = new Screen(world.stdout, { verbose: false });
    for (const line of comparisonLines(comparison, args.verbose)) screen.line(...line);
  }
  if (comparison.wrong.length > 0) return 1;
  return isAllUnknown(comparison) ? 3 : 0;
}

/** @throws UserError that suggests the nearest name */
async function refuseUnknown({ config }: Arguments, { a, b }: CompareArguments, { cwd }: GuardedTerminal): Promise<void> {
  const { completionNames } = await import("./completion-names.ts");
  const known = await completionNames(cwd, { of: "environments", config });
  // Without any name, there is no such file, or it can't be read: reading it says why.
  for (const name of known.length > 0 ? [a, b] : [])
    if (!known.includes(name))
      throw new UserError("EA8141", `compare: ${config} has no environment "${name}"; ${suggestion(name, known)}`);
}

type Place = { access: WarehouseAccess; config: Config } | { unknown: string };

/** One of both may be unusable here: then what the history has can still be compared. @throws UserError if neither can be used */
async function readBoth(args: Arguments, { a, b }: CompareArguments, world: GuardedTerminal): Promise<[Place, Place]> {
  const read = async (name: string): Promise<Place> => {
    const { config, environment } = await readConfiguration(
      { workspace: world.cwd, env: world.env, configFile: args.config, environment: name },
      world.secrets,
    );
    return {
      config,
      access: { environment, workspace: world.cwd, runId: newRunId(), env: world.env, secrets: world.secrets },
    };
  };
  const [first, second] = await Promise.allSettled([read(a), read(b)]);
  if (first.status === "rejected" && second.status === "rejected") throw first.reason;
  const usable = (result: PromiseSettledResult<Place>, name: string): Place => {
    if (result.status === "fulfilled") return result.value;
    if (!isOnlyMissingVariables(result.reason)) throw result.reason;
    return { unknown: `variables of ${name} are not set here` };
  };
  return [usable(first, a), usable(second, b)];
}

function isOnlyMissingVariables(error: unknown): boolean {
  return error instanceof UserError && error.codes.length > 0 && error.codes.every((code) => code === "EA1011");
}

async function recordsOf(
  args: Arguments,
  { a, b }: CompareArguments,
  world: GuardedTerminal,
): Promise<{ records: HistoryRecord[]; unknown?: string }> {
  try {
    const { openHistory } = await import("./history.ts");
    const { store } = await openHistory(args, world);
    const asked = [a, b].flatMap((environment) => [
      store.recent({ environment, stage: "preflight" }, mostRecords),
      store.recent({ environment, stage: "smoke" }, mostRecords),
      store.recent({ environment, stage: "drift" }, 1),
    ]);
    const found = await Promise.all(asked);
    const unreadable = found.flatMap((one) => one.unreadable);
    const [first] = unreadable;
    return {
      records: found.flatMap(({ records }) => records),
      ...(first ? { unknown: `${unreadable.length} records can't be read, such as ${first.name}: ${first.why}` } : {}),
    };
  } catch (error) {
    return { records: [], unknown: errorText(error).split("\n")[0] ?? "" };
  }
}

interface Asking {
  signal: AbortSignal;
  say: (text: string) => void;
}

/** A copy and its original have been compared by a stage, whose exceptions count. Any two others are compared now. */
async function structureOf(
  { a, b }: CompareArguments,
  [first, second]: readonly [Place, Place],
  records: readonly HistoryRecord[],
  asking: Asking,
): Promise<StructureComparison> {
  const { staging } = "config" in first ? first.config : "config" in second ? second.config : {};
  const pair = [staging?.original, staging?.copy];
  const kept = staging && pair.includes(a) && pair.includes(b) ? driftInHistory(records, staging.copy) : undefined;
  if (kept) return kept;
  for (const place of [first, second]) if ("unknown" in place) return { unknown: place.unknown };
  if ("unknown" in first || "unknown" in second) throw new Error("both are known here");
  return await structureNow(first.access, second.access, asking);
}

async function turnsOf(
  [first, second]: readonly [Place, Place],
  asking: Asking,
): Promise<RouteComparison[] | { unknown: string }> {
  for (const place of [first, second]) if ("unknown" in place) return { unknown: place.unknown };
  if ("unknown" in first || "unknown" in second) throw new Error("both are known here");
  const { smoke } = first.config.stages;
  const sides = [first.access.environment, second.access.environment] as const;
  const found = await measureInTurns(sides, smoke, asking);
  return typeof found === "string" ? { unknown: found } : found;
}

function isAllUnknown({ latency, facts, shape, structure }: Comparison): boolean {
  const known = facts.some(({ group, result }) => group !== "configuration" && result !== "unknown");
  return latency.checks.length === 0 && !known && "unknown" in shape && "unknown" in structure && !Array.isArray(latency.turns);
}
