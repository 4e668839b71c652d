import { type ApiPorts, Pace } from "../checks/api/client.ts";
import { Origins } from "../checks/api/origins.ts";
import { Smoothing } from "../checks/api/smoothing.ts";
import type { CheckContext, CheckingStage, CheckKind, KindRunner } from "../checks/kind.ts";
import * as registry from "../checks/registry.ts";
import { type MeasuredCheck, type RunningCheck, type Samples, type Shared, shared, skipped } from "../checks/run-check.ts";
import type { Check } from "../model/report.ts";
import type { Readers } from "./connections.ts";
import { reportCheck, type StageContext } from "./context.ts";
import { apiPorts, socketPorts } from "./ports.ts";

/** Runs the checks of preflight and smoke: every kind that the environment asks for, all at the same time. */

/** A kind that the environment asks for, ready to run. */
export interface LoadedKind {
  kind: CheckKind;
  settings: unknown;
  runner: KindRunner<unknown>;
}

const kinds: Readonly<Record<string, CheckKind>> = registry;

/**
 * Loads the code of the checks, preferably while the servers start: loading blocks the process, and every latency would include
 * it.
 * @returns kinds that others depend on first, in the report's order
 */
export async function loadKinds({ environment }: StageContext, stage: CheckingStage): Promise<LoadedKind[]> {
  const settingsOf: Readonly<Record<string, unknown>> = environment;
  const asked = Object.entries(kinds).flatMap(([name, kind]) => {
    const settings = settingsOf[name];
    const isEmpty = settings === undefined || (Array.isArray(settings) && settings.length === 0);
    return kind.stages.includes(stage) && (kind.always || !isEmpty) ? [{ kind, settings }] : [];
  });
  const loaded = asked.map(async ({ kind, settings }): Promise<LoadedKind> => {
    const runner = await kind.load();
    await runner.prepare?.(settings as NonNullable<unknown>);
    return { kind, settings, runner };
  });
  const ordered = await Promise.all(loaded);
  return [...ordered.filter(({ kind }) => isFoundation(kind)), ...ordered.filter(({ kind }) => !isFoundation(kind))];
}

function isFoundation({ dependsOn }: CheckKind): boolean {
  return dependsOn.length === 0;
}

/** Finished checks, and the measurements of sampled latencies by id. */
export interface FinishedChecks {
  checks: Check[];
  samples: ReadonlyMap<string, Samples>;
}

/**
 * Runs all checks, reports each when it finishes, and judges each together with those it depends on.
 * @param also the stage's own checks, which run at the same time
 */
export async function runChecks(
  context: StageContext,
  stage: CheckingStage,
  readers: Readers,
  loaded: readonly LoadedKind[],
  also: () => readonly RunningCheck[] = () => [],
): Promise<FinishedChecks> {
  const others = new RunningChecks();
  const checkContext = await checkContextOf(context, stage, readers, others);
  const samples = new Map<string, Samples>();
  const start = ({ kind, settings, runner }: LoadedKind) =>
    runner.run(checkContext, settings as NonNullable<unknown>).map((running) => ({ kind, finished: others.track(running) }));
  const finish = (finished: RunningCheck, judge: (checks: Check[]) => Check[] | Promise<Check[]> = (checks) => checks) =>
    reportCheck(
      context,
      finished.then((checks) => judge([checks].flat().map((check) => withoutSamples(check, samples)))),
    );

  const started = loaded.flatMap(start);
  const ofStage = also().map((running) => finish(others.track(running)));
  others.allStarted();
  const foundation = started.filter(({ kind }) => isFoundation(kind)).map(({ finished }) => finish(finished));
  const below = Promise.all(foundation).then((checks) => checks.flat());
  const dependent = started
    .filter(({ kind }) => !isFoundation(kind))
    .map(({ kind, finished }) => finish(finished, async (checks) => asConsequences(kind.dependsOn, await below, checks)));
  const checks = await Promise.all([...foundation, ...ofStage, ...dependent]);
  const found = checks.flat();
  return {
    checks: found.length > 0 ? found : [await reportCheck(context, Promise.resolve(nothingChecked(context, stage)))],
    samples,
  };
}

function withoutSamples({ samples, ...check }: MeasuredCheck, all: Map<string, Samples>): Check {
  if (samples) all.set(check.id, samples);
  return check;
}

/** If nothing was configured, servers that became ready count as checked; otherwise there is nothing that could pass. */
function nothingChecked({ environment }: StageContext, stage: CheckingStage): Check {
  const servers = Object.entries(environment.servers).flatMap(([name, { stages }]) => (stages.includes(stage) ? [name] : []));
  if (servers.length > 0)
    return {
      id: "application",
      title: "Application starts",
      verdict: "passed",
      observed: `${servers.join(", ")} ready`,
      durationMs: 0,
    };
  return skipped(
    "variables",
    "Required variables",
    "this environment has nothing to check: add databricks, redis, api, websocket, servers or variables",
  );
}

/**
 * If a check that these depend on could not be done, their failure proves nothing: an API whose database we could not reach may
 * be broken, or suffer from the same cause. The verdict is then `error`, with the possible cause.
 */
export function asConsequences(dependsOn: readonly string[], below: readonly Check[], checks: readonly Check[]): Check[] {
  const cause = below.find(({ id, verdict }) => dependsOn.includes(id) && verdict === "error");
  if (!cause) return [...checks];
  const possibleCause = `Possible cause: ${cause.title} could not be checked.`;
  return checks.map((check) =>
    check.verdict === "failed" && !check.independent
      ? { ...check, verdict: "error", cause: cause.id, message: `${possibleCause} ${check.message ?? ""}`.trim() }
      : check,
  );
}

/** Counts the running checks, so that one can measure again without the others. */
export class RunningChecks {
  #running = 0;
  #allStarted = false;
  readonly #waiting: (() => void)[] = [];

  track<Result>(running: Promise<Result>): Promise<Result> {
    this.#running++;
    return running.finally(() => {
      this.#running--;
      this.#serveNext();
    });
  }

  allStarted(): void {
    this.#allStarted = true;
    this.#serveNext();
  }

  /** Waiting checks get their turn one after another, once all others have ended or wait too. */
  readonly alone = (): Promise<void> =>
    new Promise((resolve) => {
      this.#waiting.push(resolve);
      this.#serveNext();
    });

  #serveNext(): void {
    if (this.#allStarted && this.#running <= this.#waiting.length) this.#waiting.shift()?.();
  }
}

async function checkContextOf(
  context: StageContext,
  stage: CheckingStage,
  readers: Readers,
  others: RunningChecks,
): Promise<CheckContext> {
  const { environment, config, env, signal, check } = context;
  const limits = config.stages[stage];
  const pace = new Pace({ requestsPerSecond: limits.requestsPerSecond, longestPauseMs: limits.retryAfter });
  const all = { pace, origins: new Origins(), smoothing: new Smoothing() };
  const api = apiPorts(context, all);
  const { auth } = environment;
  // Smoke has no token: refusals prove that the server is alive, and it never signs in to production.
  const minted =
    stage === "preflight" && api && auth?.enabled && auth.secret
      ? shared(async () => (await import("../checks/auth/check.ts")).mintToken(api, auth))
      : undefined;
  const token: Shared<string> | undefined = minted && (async (attempt) => (await minted(attempt)).token);
  return {
    stage,
    environment,
    limits,
    env,
    signal,
    check,
    alone: others.alone,
    ...(readers.warehouse || readers.redis ? await connectionsOf(context, stage, readers) : {}),
    ...(api ? { api: token ? withToken(api, token) : api } : {}),
    sockets: socketPorts(context, all),
    ...(minted ? { signIn: { minted } } : {}),
  };
}

/** The test token takes the place of the reader token. */
function withToken({ renew: _, ...api }: ApiPorts, token: Shared<string>): ApiPorts {
  return { ...api, token };
}

async function connectionsOf(
  context: StageContext,
  stage: CheckingStage,
  readers: Readers,
): Promise<Pick<CheckContext, "warehouse" | "redis">> {
  const { environment } = context;
  const { redisSettings, warehouseSettings } = await import("./connections.ts");
  const { compareRedis, compareWarehouse, proveRedis, proveWarehouse } = await import("../cleanup/execute/proof.ts");
  const [warehouse, redis] = [await warehouseSettings(context), redisSettings(context)];
  // If test data will be written, the identity must be proven; otherwise it is compared if one is expected.
  const writes = stage === "preflight" && environment.access === "test-data";
  const [isWarehouse, isRedis] = writes ? [proveWarehouse, proveRedis] : [compareWarehouse, compareRedis];
  return {
    ...(warehouse && readers.warehouse
      ? {
          warehouse: {
            open: readers.warehouse,
            settings: warehouse,
            wokeIn: readers.wokeIn,
            compare: (seen) => isWarehouse(environment, seen),
          },
        }
      : {}),
    ...(redis && readers.redis
      ? { redis: { open: readers.redis, settings: redis, compare: (seen) => isRedis(environment, seen) } }
      : {}),
  };
}
