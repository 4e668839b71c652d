import { setTimeout as pause } from "node:timers/promises";
import type { Endpoint } from "../config/schema.ts";
import { errorText } from "../lib/error-text.ts";
import { textGlob } from "../lib/pattern.ts";
import { type Check, type CheckExpiry, type EarlierLatency, type Latency, opensTheGate, type Verdict } from "../model/report.ts";

/** The result of one probe. */
export interface Finding {
  verdict: Verdict;
  observed?: string;
  expected?: string;
  message?: string;
  latency?: Latency;
  /** See {@link Check.earlier}. */
  earlier?: EarlierLatency;
  samples?: Samples;
  /** See {@link Check.independent}. */
  independent?: true;
  /** See {@link Check.cause}. */
  cause?: string;
  /** See {@link Check.expires}. */
  expires?: CheckExpiry[];
}

/** A report has no room for more. */
const mostSamplesReported = 100;

/** All measurements of a latency, for comparisons with earlier runs. */
export interface Samples {
  /** Milliseconds. */
  readonly values: readonly number[];
  /** The check always takes this many samples, whatever is configured. */
  readonly fixedCount: boolean;
}

/** A check with its measurements, which are not in the report. */
export interface MeasuredCheck extends Check {
  samples?: Samples;
}

/** One check, or several that become known together. It has begun; the stage has it in `checks` of its report. */
export type RunningCheck = Promise<MeasuredCheck | MeasuredCheck[]>;

/**
 * Runs one check: probes, measures the time, and probes again if the check is declared flaky. If a probe throws, it could not
 * look: the verdict is `error`, never `failed` or passed.
 * @param probe gets the number of the attempt, from 1
 * @param options `independent`: its failure cannot be explained by another broken check
 */
export type RunCheck = (
  id: string,
  title: string,
  probe: (attempt: number) => Promise<Finding>,
  options?: Pick<Check, "independent">,
) => Promise<MeasuredCheck>;

/** Checks that are declared flaky, with the reason. */
export interface RetryRule {
  /** Glob over ids: `*` is any text, everything else is literal. */
  check: string;
  times: number;
  reason: string;
}

const defaultPauseMs = 500;

/**
 * Makes the function that runs each check of a stage: see {@link RunCheck}.
 * @param rules the checks that are declared flaky; of several rules for one, the last counts
 * @param signal stops it: no further attempts after that
 * @param pauseMs milliseconds before the next attempt
 */
export function checkRunner({
  rules,
  signal,
  pauseMs = defaultPauseMs,
}: {
  rules: readonly RetryRule[];
  signal: AbortSignal;
  pauseMs?: number;
}): RunCheck {
  return async (id, title, probe, { independent } = {}) => {
    const started = performance.now();
    const rule = rules.findLast(({ check }) => textGlob(check, { oneLetter: false }).test(id));
    const first = await attempt(probe, 1);
    const finding = rule && needsRetry(first) ? await probeAgain(first, rule, probe, () => waited(pauseMs, signal)) : first;
    return {
      id,
      title,
      ...finding,
      ...(independent && finding.verdict === "failed" ? { independent } : {}),
      durationMs: Math.round(performance.now() - started),
    };
  };
}

async function attempt(probe: (attempt: number) => Promise<Finding>, number: number): Promise<Finding> {
  try {
    return await probe(number);
  } catch (error) {
    return { verdict: "error", message: errorText(error) };
  }
}

function needsRetry({ verdict }: Finding): boolean {
  return !opensTheGate(verdict) && verdict !== "skipped";
}

async function probeAgain(
  first: Finding,
  rule: RetryRule,
  probe: (attempt: number) => Promise<Finding>,
  wait: () => Promise<boolean>,
): Promise<Finding & { attempts?: number }> {
  let found = first;
  let attempts = 1;
  while (attempts <= rule.times && !opensTheGate(found.verdict) && (await wait())) {
    attempts++;
    found = await attempt(probe, attempts);
  }
  if (!opensTheGate(found.verdict)) return { ...found, attempts };
  const before = `${first.verdict}${first.message ? ` (${first.message})` : ""}`;
  const message = `${found.message ?? ""} Only attempt ${attempts} succeeded; the first was ${before}. Declared flaky: ${rule.reason}`;
  return { ...found, attempts, message: message.trim() };
}

/** @returns whether the time passed; otherwise the signal ended the wait */
async function waited(pauseMs: number, signal: AbortSignal): Promise<boolean> {
  try {
    await pause(pauseMs, undefined, { signal });
    return true;
  } catch (error) {
    if (signal.aborted) return false;
    throw error;
  }
}

export function skipped(id: string, title: string, reason: string): Check {
  return { id, title, verdict: "skipped", message: reason, durationMs: 0 };
}

/**
 * Something that several checks need, such as a connection.
 * @param attempt of the calling check: from its second one on, a failed start is repeated, for all callers
 */
export type Shared<Thing> = (attempt?: number) => Promise<Thing>;

/** Begins at once. Every check that awaits it gets a failure, which doesn't end the process if none does. */
export function shared<Thing>(begin: () => Promise<Thing>): Shared<Thing> {
  let failed = false;
  const begun = () => {
    failed = false;
    const thing = begin();
    thing.catch(() => {
      failed = true;
    });
    return thing;
  };
  let current = begun();
  return (attempt = 1) => {
    if (failed && attempt > 1) current = begun();
    return current;
  };
}

/**
 * Percentiles by nearest rank: with ten samples, the P95 is the slowest, which is all that ten samples can show.
 * @param options `fixedCount`: the check takes this many samples, whatever is configured; `limit`: the P95 must be below it
 * @throws RangeError without samples: an unknown latency is not 0 ms
 */
export function measured(
  values: readonly number[],
  { fixedCount = false, limit }: { fixedCount?: boolean; limit?: number } = {},
): { latency: Latency; samples: Samples } {
  if (values.length === 0) throw new RangeError("no latency was measured");
  const [p50 = 0, p95 = 0, max = 0] = [0.5, 0.95, 1].map((share) => tenths(percentile(values, share)));
  const each = values.map(tenths).sort((a, b) => a - b);
  const latency: Latency = {
    ...{ count: values.length, p50, p95, max },
    ...(each.length <= mostSamplesReported ? { samples: each } : {}),
    ...(limit === undefined ? {} : { limit }),
  };
  return { latency, samples: { values, fixedCount } };
}

/** By nearest rank. @param share from 0 to 1 */
export function percentile(samples: readonly number[], share: number): number {
  const sorted = [...samples].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
}

export function milliseconds(value: number): string {
  return `${value < 10 ? tenths(value) : Math.round(value)} ms`;
}

export function tenths(value: number): number {
  return Math.round(value * 10) / 10;
}

/** The properties that distinguish an endpoint. */
export type Asked = Pick<Endpoint, "name" | "path" | "method" | "status" | "signIn">;

/**
 * One id per endpoint, from its name or path. Earlier runs and alerts only know a check by its id. If several would share one,
 * they are distinguished by how they are called, which is clearer than a number and doesn't depend on the order; otherwise by a
 * number.
 * @param taken ids of other checks
 */
export function endpointIds(group: string, endpoints: readonly Asked[], taken: readonly string[] = []): string[] {
  const wanted = endpoints.map((endpoint) => {
    const plain = `${group}.${wordsOf(endpoint)}`;
    return { plain, precise: [plain, ...particulars(endpoint)].join("-") };
  });
  return apart(wanted, taken);
}

/** The same ids, with numbers where they are shared. */
export function numberedIds(ids: readonly string[]): string[] {
  const wanted = ids.map((id) => ({ plain: id, precise: id }));
  return apart(wanted, []);
}

/** @param wanted for each the id to use if it is unique, and the one if it is not */
function apart(wanted: readonly { plain: string; precise: string }[], taken: readonly string[]): string[] {
  const count = (id: string) => wanted.filter(({ plain }) => plain === id).length;
  const isShared = (id: string) => taken.includes(id) || count(id) > 1;
  // A unique id stays the same, whatever comes before it.
  const used = new Set([...taken, ...wanted.map(({ plain }) => plain).filter((id) => !isShared(id))]);
  return wanted.map(({ plain, precise }) => {
    if (!isShared(plain)) return plain;
    const free = firstFree(precise, used);
    used.add(free);
    return free;
  });
}

/** A name in another alphabet leaves no words; its path leaves some, if only as codes. */
function wordsOf({ name, path }: Asked): string {
  return slug(name ?? path) || slug(path) || slug(encodeURI(path.toWellFormed())) || "root";
}

/** Lower case, `a-z0-9` and dashes; empty if nothing is left. */
export function slug(text: string): string {
  return text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-|-$/g, "");
}

/** Empty for an ordinary request. */
function particulars({ method, signIn, status }: Asked): string[] {
  return [
    ...(method === "GET" ? [] : [method.toLowerCase()]),
    ...(signIn ? ["signed-in"] : []),
    ...(status.length === 1 && status[0] === 200 ? [] : status.map(String)),
  ];
}

function firstFree(id: string, used: ReadonlySet<string>): string {
  let free = id;
  for (let number = 2; used.has(free); number++) free = `${id}-${number}`;
  return free;
}

/** A written exception for a credential that can write in a read-only environment. */
export interface MayWrite {
  /** The last day, `YYYY-MM-DD`, in UTC. */
  until: string;
  reason: string;
}

/**
 * Judges a credential in a read-only environment. If it could write, or this is unknown, the check doesn't pass. Only a written
 * exception makes it a warning, until its last day.
 * @param found `failed` if it could write, `error` if unknown; `passed` stays as it is
 * @param now milliseconds since 1970
 */
export function withException(found: Finding, exception: MayWrite | undefined, now: number): Finding {
  if (found.verdict === "passed")
    return exception
      ? { ...found, verdict: "degraded", message: `This credential cannot write, so mayWrite is not needed: remove it.` }
      : found;
  if (!exception) return found;
  const { until, reason } = exception;
  // ISO dates sort chronologically.
  const over = new Date(now).toISOString().slice(0, 10) > until;
  const said = found.message ?? "";
  if (over) return { ...found, message: `${said} The exception (${reason}) ended on ${until}.`.trim() };
  return { ...found, verdict: "degraded", message: `Allowed until ${until}: ${reason}. ${said}`.trim() };
}

/**
 * The end of something that a check saw; of more, the first one. An end that no date can hold is never.
 * @param ends Unix milliseconds
 */
export function endOf(what: CheckExpiry["what"], name: string, ...ends: (number | undefined)[]): Pick<Check, "expires"> {
  const first = Math.min(...ends.map((end) => end ?? Number.POSITIVE_INFINITY));
  return first <= lastEndMs ? { expires: [{ what, name, at: new Date(first).toISOString() }] } : {};
}

/** The last moment with a year of four digits. */
const lastEndMs = Date.UTC(9999, 11, 31);

/** @param key of the configuration */
export function endOfException(key: string, exception: MayWrite | undefined): Pick<Check, "expires"> {
  return exception ? endOf("exception", key, Date.parse(`${exception.until}T23:59:59.999Z`)) : {};
}
