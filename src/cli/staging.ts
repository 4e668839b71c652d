import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { readConfiguration } from "../app/read-configuration.ts";
import { newRunId } from "../cleanup/run-id.ts";
import { count } from "../lib/count.ts";
import { errorText } from "../lib/error-text.ts";
import { type StagingTask, stagingTasks } from "../model/staging.ts";
import { UserError } from "../model/user-error.ts";
import { withWarehouseReader } from "../stages/connections.ts";
import { catalogsOf } from "../stages/copy.ts";
import { whatIsMissing } from "../staging/move/order.ts";
import { type Place, placesIn, variablesNaming } from "../staging/move/places.ts";
import { WarehouseFailure } from "../warehouse/failure.ts";
import type { Arguments } from "./arguments.ts";
import type { StagingCommand } from "./commands.ts";
import type { GuardedTerminal } from "./main.ts";

/** The tasks about a copy that are no stages: they print something, and leave no report. */

export function isStageTask(task: StagingCommand): task is StagingTask {
  return stagingTasks.some((one) => one === task);
}

/**
 * @returns the exit status
 * @throws UserError
 */
export async function stagingTask(args: Arguments, world: GuardedTerminal): Promise<number> {
  const read = await readConfiguration(
    {
      workspace: world.cwd,
      env: world.env,
      configFile: args.config,
      ofCopy: true,
      ...(args.environment ? { environment: args.environment } : {}),
    },
    world.secrets,
  );
  try {
    return args.task === "propose" ? await propose(args, world, read) : await move(args, world, read);
  } catch (error) {
    if (!(error instanceof WarehouseFailure)) throw error;
    world.stderr.write(`env-actions: ${errorText(error)}\n`);
    return 3;
  }
}

type Read = Awaited<ReturnType<typeof readConfiguration>>;

/** A connection that sees both catalogs, for reading. */
async function reading<Result>(
  { budgetMs }: Arguments,
  world: GuardedTerminal,
  { environment }: Read,
  work: Parameters<typeof withWarehouseReader<Result>>[2],
): Promise<Result> {
  const signal = budgetMs === undefined ? new AbortController().signal : AbortSignal.timeout(budgetMs);
  const place = { environment, workspace: world.cwd, runId: newRunId(), env: world.env, secrets: world.secrets };
  return await withWarehouseReader(place, { signal, onWaking: (text) => world.stderr.write(`${text}\n`) }, work);
}

/** Prints a file of policies: what is there, with what is missing. */
async function propose(args: Arguments, world: GuardedTerminal, read: Read): Promise<number> {
  const { config, environment, original } = read;
  const say = (text: string) => world.stderr.write(`${text}\n`);
  const file = config.staging?.policies ?? "";
  const [{ readStructure }, { readShapes }, { proposePolicies }, { readPolicies }] = await Promise.all([
    import("../staging/structure/read.ts"),
    import("../staging/policies/shapes.ts"),
    import("../staging/policies/propose.ts"),
    import("../staging/policies/read.ts"),
  ]);
  const text = await readFile(join(world.cwd, file), "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw new UserError("EA2137", `${file} cannot be read (${error.code ?? "unknown reason"})`, { cause: error });
  });
  const present = text === undefined ? undefined : readPolicies(text, file);
  const { original: catalog } = catalogsOf({ environment, stage: "refresh", ...(original ? { original } : {}) });
  const proposal = await reading(args, world, read, async (warehouse) => {
    say(`reading the structure of ${catalog}`);
    const structure = await readStructure(warehouse, catalog, new Date());
    const { shapes, failed } = await readShapes(warehouse, structure);
    for (const [table, why] of failed) say(`${table} was judged by its names and types alone: ${why}`);
    return proposePolicies(structure, { shapes, ...(present ? { present } : {}) });
  });
  say(`${count(proposal.added, "column")} added, ${proposal.unsure} of them to decide (TODO)`);
  for (const { object, message } of proposal.left) say(`${object}: ${message}`);
  world.stdout.write(args.json ? `${JSON.stringify(proposal, undefined, 2)}\n` : proposal.text);
  return 0;
}

/** Where the configuration has to name production. */
function linesOfOriginal({ config: file }: Arguments, { configPlace, original }: Read): Set<number> {
  const databricks = ["environments", original?.name ?? "", "databricks"];
  const keys = [["host"], ["catalog"], ["expect", "host"], ["expect", "catalog"]];
  const places = keys.map((key) => configPlace([...databricks, ...key]));
  return new Set(places.filter((place) => place.file === file).map(({ line }) => line));
}

export interface MoveReport {
  /** Files of the repository that name production. */
  places: Place[];
  /** Variables of this process that do. */
  variables: string[];
  /** What the copy's principal may write in production. */
  grants: string[];
  /** Why more may be granted than was seen. */
  unknown: string[];
  /** Files that were not looked at, and why. */
  unread: string[];
  /** What keeps the gate from testing in the copy. */
  order: string[];
}

/** Lists what still points at production. @returns 1 if something does, 3 if nothing was found but not everything could be looked at */
async function move(args: Arguments, world: GuardedTerminal, read: Read): Promise<number> {
  const { config, environment, original } = read;
  const catalogs = catalogsOf({ environment, stage: "drift", ...(original ? { original } : {}) });
  // One host serves both if they share a workspace.
  const names = [catalogs.original, ...(original?.host && original.host !== environment.databricks?.host ? [original.host] : [])];
  const files = await trackedFiles(world.cwd);
  const looked = await Promise.all(files.map(async (file) => ({ file, ...(await placesOf(world.cwd, file, names)) })));
  const found = looked.flatMap((one) => one.places ?? []);
  const unread = looked.flatMap(({ file, unread: why }) => (why === undefined ? [] : [`${file}: ${why}`]));
  const meant = linesOfOriginal(args, read);
  const places = found.filter(({ file, line }) => file !== args.config || !meant.has(line));
  const { rightsOn } = await import("../stages/copy-checks.ts");
  const { writing, unknown } = await reading(args, world, read, (warehouse) => rightsOn(warehouse, catalogs.original));
  const report: MoveReport = {
    places,
    variables: variablesNaming(world.env, names),
    grants: writing.map(({ privilege, on, holder }) => `${privilege} on ${on} (${holder})`),
    unknown,
    unread,
    order: whatIsMissing({
      original: original ?? { name: "", host: undefined, catalog: undefined },
      copy: environment.name,
      defaultEnvironment: config.defaultEnvironment,
      promotedFrom: original ? config.environments[original.name]?.promotedFrom : undefined,
      isolation: config.testData.isolation.by,
    }),
  };
  world.stdout.write(args.json ? `${JSON.stringify(report, undefined, 2)}\n` : `${moveText(report, names).join("\n")}\n`);
  if (report.places.length + report.variables.length + report.grants.length + report.order.length > 0) return 1;
  return unknown.length + unread.length > 0 ? 3 : 0;
}

function moveText({ places, variables, grants, unknown, unread, order }: MoveReport, names: readonly string[]): string[] {
  const part = (title: string, lines: readonly string[], none: string) => [
    title,
    ...(lines.length > 0 ? lines.map((line) => `  ${line}`) : [`  ${none}`]),
    "",
  ];
  return [
    ...part(
      `Files that name ${names.join(" or ")}`,
      [
        ...places.map(({ file, line, column, text }) => `${file}:${line}:${column}  ${text}`),
        ...unread.map((what) => `not looked at: ${what}`),
      ],
      "none",
    ),
    ...part("Variables that do", variables, "none"),
    ...part(
      "What the copy's principal may write in production",
      [...grants, ...unknown.map((why) => `unknown: ${why}`)],
      "nothing",
    ),
    ...part("The gate's order", order, "tests run in the copy, and smoke on production accepts its evidence"),
  ];
}

/** What git tracks; without git nothing, and that is an error, because an empty list would look like a moved repository. */
async function trackedFiles(cwd: string): Promise<string[]> {
  try {
    const { getExecOutput } = await import("@actions/exec");
    const { stdout } = await getExecOutput("git", ["ls-files", "-z"], { cwd, silent: true });
    return stdout.split("\0").filter((file) => file !== "");
  } catch (error) {
    throw new UserError("EA2138", `the files of the repository cannot be listed: ${errorText(error)}`, { cause: error });
  }
}

const mostBytes = 1_000_000;

/** Binary files are no code. What git tracks and is not there says nothing, either. */
async function placesOf(
  cwd: string,
  file: string,
  names: readonly string[],
): Promise<{ places: Place[]; unread?: undefined } | { places?: undefined; unread: string }> {
  let bytes: Buffer;
  try {
    bytes = await readFile(join(cwd, file));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === "ENOENT"
      ? { places: [] }
      : { unread: code === "EISDIR" ? "a repository of its own, or a link to a folder" : errorText(error) };
  }
  if (bytes.includes(0)) return { places: [] };
  if (bytes.length > mostBytes) return { unread: `larger than ${mostBytes / 1_000_000} MB` };
  return { places: placesIn(file, bytes.toString("utf8"), names) };
}
