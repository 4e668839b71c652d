import { endOf, type Finding } from "../checks/run-check.ts";
import { count } from "../lib/count.ts";
import type { Check } from "../model/report.ts";
import { type Facet, facets, facetTitles } from "../model/staging.ts";
import { compareStructures } from "../staging/drift/compare.ts";
import { summariseDrift } from "../staging/drift/count.ts";
import { lastRefresh } from "../staging/refresh/record.ts";
import { readStructure } from "../staging/structure/read.ts";
import type { WarehouseReader } from "../warehouse/access.ts";
import { catalogBinding, examineCredential, type WritingRight } from "../warehouse/credential.ts";
import { type Readers, warehouseSettings } from "./connections.ts";
import type { StageContext } from "./context.ts";
import { catalogsOf } from "./copy.ts";
import { compareOptions, reasonsOf, unseenVerdict } from "./drift.ts";

/** What preflight asks of a copy before tests run in it: production can only be read from here, and the copy is near enough and fresh. */

/** Begins these checks, each on its own. */
export function checkCopy(context: StageContext, readers: Readers): Promise<Check>[] {
  const opened = async (): Promise<WarehouseReader> => {
    const warehouse = await readers.warehouse?.();
    if (!warehouse) throw new Error("the environment has no warehouse");
    return warehouse;
  };
  return [
    context.check("copy.production-grants", "Production is read-only from here", async () =>
      judgeGrants(await rightsOn(await opened(), catalogsOf(context).original), catalogsOf(context).original),
    ),
    context.check("copy.production-binding", "Binding of production's catalog", () => binding(context)),
    context.check("copy.drift", "The copy's structure", async () => await drift(context, await opened())),
    context.check("copy.refresh", "The copy's data", async () => await freshness(context, await opened())),
  ];
}

/** What the signed-in principal could write in a catalog. */
export async function rightsOn(warehouse: WarehouseReader, catalog: string) {
  const { writing, unknown } = await examineCredential({ ...warehouse, catalog });
  return { writing: writing.filter(concernsCatalog), unknown };
}

/** Rights on the metastore, such as CREATE CATALOG, change nothing in a catalog; its owner and administrators can do anything. */
function concernsCatalog({ on, privilege }: WritingRight): boolean {
  return on !== "metastore" || privilege === "OWNERSHIP" || privilege === "MANAGE" || privilege === "ALL PRIVILEGES";
}

function judgeGrants({ writing, unknown }: Awaited<ReturnType<typeof rightsOn>>, catalog: string): Finding {
  const expected = "only BROWSE, USE and SELECT";
  if (writing.length > 0) {
    const named = writing.slice(0, 3).map(({ privilege, on, holder }) => `${privilege} on ${on} (${holder})`);
    return {
      verdict: "failed",
      observed: `${named.join("; ")}${writing.length > 3 ? ` and ${writing.length - 3} more` : ""}`,
      expected,
      message: `The principal of the copy can write to ${catalog}, which is production. Revoke it, or use another principal.`,
    };
  }
  if (unknown.length > 0)
    return {
      verdict: "error",
      observed: "unknown",
      expected,
      message: `It is not certain that nothing can be written to ${catalog}: ${unknown.slice(0, 3).join("; ")}.`,
    };
  return { verdict: "passed", observed: "nothing can be written", expected };
}

/** The workspace can be bound to a catalog so that it only reads, whatever is granted. */
async function binding(context: StageContext): Promise<Finding> {
  const { original } = catalogsOf(context);
  const settings = await warehouseSettings(context);
  if (!settings) return { verdict: "error", message: "The environment has no warehouse." };
  const expected = "read-only";
  const found = await catalogBinding(settings, original, context.signal);
  if (found.binding === "read-only") return { verdict: "passed", observed: found.binding, expected };
  if (found.binding === "unknown")
    return {
      verdict: "skipped",
      message: `${found.why}. Only who manages the catalog may ask; the grants of the principal decide.`,
    };
  if (context.config.staging?.binding === "any") return { verdict: "passed", observed: found.binding, expected: "any" };
  return {
    verdict: "failed",
    observed: found.binding,
    expected,
    message: `This workspace can write to ${original}. Bind the catalog to it read-only, or write staging.binding: any if production itself runs in this workspace.`,
  };
}

async function drift(context: StageContext, warehouse: WarehouseReader): Promise<Finding> {
  const { original, copy } = catalogsOf(context);
  const [first, second] = [
    await readStructure(warehouse, original, new Date()),
    await readStructure(warehouse, copy, new Date()),
  ];
  const found = compareStructures(first, second, await compareOptions(context));
  const limits: Partial<Record<Facet, number>> = context.config.staging?.drift.limits ?? {};
  const over = facets.filter((facet) => found.facets[facet].differences.length > (limits[facet] ?? 0));
  const { differences, unseen, compared } = summariseDrift(found);
  const expected = Object.keys(limits).length === 0 ? "no difference" : "differences within staging.drift.limits";
  const observed = differences === 0 ? `${compared} equal` : `${count(differences, "difference")} in ${compared}`;
  if (over.length > 0)
    return {
      verdict: "failed",
      observed,
      expected,
      message: `${over.map((facet) => `${facetTitles[facet]}: ${found.facets[facet].differences.length}`).join(", ")}. \`env-actions staging drift\` shows them, \`env-actions staging sync\` what removes them.`,
    };
  if (compared === 0) return { verdict: "error", observed: "nothing", expected, message: "Nothing could be compared." };
  if (unseen.length > 0)
    return {
      verdict: unseenVerdict(context),
      observed: `${observed}, and not everything could be seen`,
      expected,
      message: `${reasonsOf(unseen)}.`,
    };
  return { verdict: "passed", observed, expected };
}

const dayMs = 86_400_000;

async function freshness(context: StageContext, warehouse: WarehouseReader): Promise<Finding> {
  const { copy } = catalogsOf(context);
  const { every = 7 * dayMs, retention = 30 * dayMs } = context.config.staging?.refresh ?? {};
  const { switched, failed, unfinished } = await lastRefresh(warehouse, copy);
  const expected = `refreshed within ${days(every)}, 0 production values`;
  const again = "Run `env-actions staging refresh --execute`.";
  if (unfinished?.halfSwitched)
    return {
      verdict: "failed",
      observed: `refresh ${unfinished.id} was cut short while it switched`,
      expected,
      message: `Some tables are newer than others. ${again} It completes the switch.`,
    };
  if (!switched)
    return {
      verdict: "skipped",
      message: "The copy was never refreshed: it has synthetic data, or none.",
    };
  const { serverTime } = await warehouse.identity();
  const age = (serverTime === undefined ? Date.now() : Date.parse(serverTime)) - Date.parse(switched.endedAt);
  const ends = endOf("copy", copy, Date.parse(switched.keepUntil));
  const observed = `refreshed ${days(age)} ago, ${count(switched.leaks, "production value")} found`;
  if (switched.leaks > 0)
    return { verdict: "failed", observed, expected, ...ends, message: `Production values survived in the copy. ${again}` };
  if (age > retention || Date.parse(switched.keepUntil) < Date.now())
    return {
      verdict: "failed",
      observed,
      expected,
      ...ends,
      message: `The data is over its retention (${days(retention)}), and must be gone or refreshed. ${again}`,
    };
  if (failed)
    return {
      verdict: "degraded",
      observed: `${observed}; a later refresh was stopped by its checks`,
      expected,
      ...ends,
      message: `${(failed.problems ?? []).slice(0, 3).join("; ")}. The copy has the data of the refresh before it.`,
    };
  if (age > every) return { verdict: "degraded", observed, expected, ...ends, message: `A refresh is overdue. ${again}` };
  return { verdict: "passed", observed, expected, ...ends };
}

function days(milliseconds: number): string {
  const whole = Math.floor(milliseconds / dayMs);
  return whole >= 1 ? count(whole, "day") : count(Math.max(0, Math.floor(milliseconds / 3_600_000)), "hour");
}
