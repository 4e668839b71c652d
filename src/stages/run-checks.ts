import type { CheckingStage, CheckKind, KindRunner } from "../checks/kind.ts";
import * as registry from "../checks/registry.ts";
import { type MeasuredCheck, type RunningCheck, type Samples, skipped } from "../checks/run-check.ts";
import type { Check } from "../model/report.ts";
import { checkContextOf } from "./check-context.ts";
import type { Readers } from "./connections.ts";
import { reportCheck, type StageContext } from "./context.ts";

/** Runs the checks of preflight and smoke: every kind that the environment asks for, all at the same time. */

/** A kind that the environment asks for, ready to run. */
export interface LoadedKind {
  kind: CheckKind;
  /** The value of its key in the environment. */
  settings: unknown;
  runner: KindRunner<unknown>;
}

/** Each kind is a folder in `checks`, with its key of the configuration as the name: `kind.ts` declares it, `check.ts` runs it. */
const kinds: Readonly<Record<string, CheckKind>> = registry;

/**
 * The kinds of check, each a folder in `checks`, that this stage runs in this environment: those that declare the stage and whose key
 * has a value, or that always run. Loads their code, preferably while the servers start: loading blocks the process, and every latency would include
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
 * Runs the checks of all these kinds at the same time, and reports each when it finishes. If a check that a kind depends on could
 * not be done, a failure of that kind proves nothing: it becomes an error with that check as its possible cause.
 * @param also the stage's own checks, which run at the same time
 * @returns all finished checks, for the report; if there are none, one about the servers, or that there was nothing to check
 */
export async function runChecks(
  context: StageContext,
  stage: CheckingStage,
  readers: Readers,
  loaded: readonly LoadedKind[],
  also: () => readonly RunningCheck[] = () => [],
): Promise<FinishedChecks> {
  const others = new RunningChecks();
  const checkContext = await checkContextOf(context, stage, readers, others.alone);
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
