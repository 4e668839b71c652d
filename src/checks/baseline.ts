import type { Baseline } from "../config/baseline-schema.ts";
import { percentOf } from "../lib/count.ts";
import { lowerEdgeTest, rankTest, ratioOf } from "../lib/rank-test.ts";
import type { Check } from "../model/report.ts";
import { type Finding, milliseconds, percentile, tenths } from "./run-check.ts";

/**
 * The significance level of each of the two rank tests, which weigh the same data differently. With the other two conditions,
 * about one in a hundred runs is reported as slower by mistake.
 */
const significance = 0.007;
/** A Cliff's delta below this is negligible (Romano and others, 2006), however significant. */
const leastEffect = 0.147;
/** Earlier runs differ too: a run like the slowest of them is not unusual. */
const shareOfRuns = 0.8;

/**
 * Whether a latency is higher than in earlier runs. Slower requires all of these: one of two rank tests is significant, the
 * effect isn't negligible, it exceeds the criteria, and – with several earlier runs – it is above nearly all of them.
 * @param check whose latency it is
 * @param samples of this run, in milliseconds
 * @param runs samples of the earlier runs, none of them empty
 * @param cure what to do if these are too few
 */
export function compare(
  check: Pick<Check, "id" | "title">,
  samples: readonly number[],
  runs: readonly (readonly number[])[],
  settings: Baseline,
  cure = "It needs more passing runs.",
): Finding & { slower: boolean } {
  const earlier = runs.flat();
  const expected = Object.entries(settings.criteria)
    .map(([name, share]) => `${name} ≤ +${percent(share)}`)
    .join(", ");
  if (earlier.length < settings.minimumSamples || samples.length < settings.minimumSamples) {
    const few = `${samples.length} samples now, ${earlier.length} in ${runs.length} earlier runs`;
    const isNow = samples.length < settings.minimumSamples;
    return {
      slower: false,
      verdict: "degraded",
      observed: few,
      expected,
      message: `Not enough data: ${settings.minimumSamples} samples are needed now and in earlier runs. ${isNow ? "Raise api.samples, or lower baseline.minimumSamples." : cure}`,
    };
  }
  const { delta, superiority, ...whole } = rankTest(samples, earlier);
  const p = Math.min(whole.p, lowerEdgeTest(samples, earlier));
  const changes = (["p50", "p95"] as const).flatMap((name) => {
    const limit = settings.criteria[name];
    if (limit === undefined) return [];
    const share = name === "p50" ? 0.5 : 0.95;
    const [now, before] = [percentile(samples, share), percentile(earlier, share)];
    return [{ name, now, before, limit, change: notZero(now) / notZero(before) - 1 }];
  });
  const was = {
    of: check.id,
    runs: runs.length,
    p50: tenths(percentile(earlier, 0.5)),
    p95: tenths(percentile(earlier, 0.95)),
  };
  const observed = [
    ...changes.map(({ name, now, before }) => `${name} ${milliseconds(now)}, was ${milliseconds(before)}`),
    `${samples.length} samples against ${earlier.length} of ${runs.length} runs`,
  ].join("; ");
  if (p >= significance || delta < leastEffect || !aboveRuns(samples, runs))
    return { slower: false, verdict: "passed", observed, expected, earlier: was };
  const ratio = ratioOf(samples.map(notZero), earlier.map(notZero));
  // A percentile of few samples is noisy; the ratio over all samples is more stable.
  const slower = changes.some(({ change, limit }) => change > limit || ratio - 1 > limit);
  if (!slower) return { slower, verdict: "passed", observed, expected, earlier: was };
  return {
    slower,
    verdict: settings.verdict,
    observed,
    expected,
    earlier: was,
    message: `${check.title} is slower than in earlier runs, by about ${percent(ratio - 1)}: a response now is slower than an earlier one with a probability of ${percent(superiority)} (p = ${p.toPrecision(1)}).`,
  };
}

function aboveRuns(samples: readonly number[], runs: readonly (readonly number[])[]): boolean {
  const median = percentile(samples, 0.5);
  return (
    median >
    percentile(
      runs.map((run) => percentile(run, 0.5)),
      shareOfRuns,
    )
  );
}

/** Clocks have a limited resolution: a duration of 0 was shorter than they can measure. */
function notZero(value: number): number {
  return Math.max(value, 0.01);
}

function percent(share: number): string {
  return `${Math.round(percentOf(share))} %`;
}
