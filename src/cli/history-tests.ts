import type { Series } from "../history/ask/series.ts";
import { badOf, type TestExecution, type TestHistory, type TestRate } from "../history/ask/tests.ts";
import { count, numberText, percentText } from "../lib/count.ts";
import type { HistoryRecord } from "../model/history.ts";
import { UserError } from "../model/user-error.ts";
import { defaultConfig } from "./commands.ts";
import { meant, type Shown } from "./history.ts";
import { minute } from "./history-runs.ts";
import { strip, stripLegend } from "./marks.ts";
import type { Part } from "./screen.ts";

/** Tests that were bad, and the record of one of them. */

const mostTests = 30;
const stripWidth = 20;

/** @param histories the record of each test, by its rate */
export function testsShown(histories: readonly TestHistory[], limit: number): Shown {
  const json = { limit, tests: histories.map(({ rate }) => rate) };
  if (histories.length === 0) return { lines: [["  No test failed or was flaky."]], json };
  const shown = histories.slice(0, mostTests);
  const more = histories.length - shown.length;
  return {
    lines: [
      [[`  ${stripLegend}   oldest first`, "gray"]],
      [""],
      ...shown.flatMap(testLines),
      ...(more > 0 ? [[[`  … and ${count(more, "more test")}: --json lists all`, "gray"] satisfies Part]] : []),
    ],
    json,
  };
}

function testLines({ rate, executions }: TestHistory): Part[][] {
  const marks = strip(executions.slice(-stripWidth).map(({ outcome }) => outcome)).padStart(stripWidth);
  const share = percentText(badOf(rate) / rate.runs).padStart(7);
  return [
    [`  ${marks}  ${rate.atLeast ? "≥" : " "}${share}  `, [rate.test.name, "bold"]],
    [[`  ${" ".repeat(stripWidth + 12)}${[...partsOf(rate), seriesText(rate)].join(", ")}`, "gray"]],
  ];
}

export function testShown(name: string, histories: readonly TestHistory[], records: readonly HistoryRecord[]): Shown {
  const json = { tests: histories };
  if (histories.length > 0)
    return { lines: [[[`  ${stripLegend}   oldest first`, "gray"]], ...histories.flatMap(recordLines)], json };
  const named = records.filter(({ tests }) => tests?.slowest.some((test) => test.name === name)).length;
  return {
    lines: [
      [[`  ${name}`, "bold"]],
      [`    It did not fail and was not flaky; ${count(named, "run")} of these names it among the slowest.`],
    ],
    json,
  };
}

function recordLines({ rate, executions }: TestHistory): Part[][] {
  const rows = Array.from({ length: Math.ceil(executions.length / 50) }, (_, row) => executions.slice(row * 50, row * 50 + 50));
  const green = executions.filter(({ turnedGreen }) => turnedGreen).length;
  return [
    [""],
    [[`  ${rate.test.name}`, "bold"]],
    [
      [
        `    ${[...new Set([rate.test.file, seriesText(rate), rate.test.project === rate.cell ? "" : rate.test.project])].filter(Boolean).join(", ")}`,
        "gray",
      ],
    ],
    ...rows.map((row): Part[] => [`    ${strip(row.map(({ outcome }) => outcome))}`]),
    [
      `    ${partsOf(rate).join(", ")}${green > 0 ? `; of the flaky ones, ${numberText(green)} turned green in another attempt of the workflow run` : ""}`,
    ],
    [`    first bad ${minute(rate.firstBad)}, last bad ${minute(rate.lastBad)} (run ${rate.lastBadRun})`],
    ...branchLines(executions),
  ];
}

/** `9 of 50 runs: 3 failed`, `6 flaky`. */
function partsOf(rate: TestRate): string[] {
  const { runs, failed, flaky, quarantined, atLeast } = rate;
  const kinds = [
    ...(failed > 0 ? [`${numberText(failed)} failed`] : []),
    ...(flaky > 0 ? [`${numberText(flaky)} flaky`] : []),
    ...(quarantined > 0 ? [`${numberText(quarantined)} failed in quarantine`] : []),
  ];
  const [first = "", ...others] = kinds;
  return [`${atLeast ? "at least " : ""}${numberText(badOf(rate))} of ${count(runs, "run")}: ${first}`, ...others];
}

function branchLines(executions: readonly TestExecution[]): Part[][] {
  const groups = [...Map.groupBy(executions, ({ branch }) => branch ?? "")].map(([branch, found]) => ({
    branch: branch === "" ? "no branch" : branch,
    runs: found.length,
    bad: found.filter(({ outcome }) => outcome !== "good" && outcome !== "unknown").length,
  }));
  const shown = groups.filter(({ bad }) => bad > 0).sort((a, b) => b.bad - a.bad);
  const named = shown.slice(0, 8).map(({ branch, runs, bad }) => `${branch}: ${bad} of ${runs}`);
  const more = shown.length - named.length;
  return [[`    by branch: ${[...named, ...(more > 0 ? [`${count(more, "more branch", "more branches")}`] : [])].join(", ")}`]];
}

/** `e2e in staging, job e2e, browser=firefox`. */
export function seriesText({ stage, environment, project, job, cell }: Series): string {
  return [
    `${stage} in ${environment}`,
    ...(project === undefined || project === defaultConfig ? [] : [project]),
    ...(job === undefined || job === stage ? [] : [`job ${job}`]),
    ...(cell ? [cell] : []),
  ].join(", ");
}

/** Further ones than that are only counted. */
const alternatives = 8;

/**
 * The full name of the test that is meant: as written, or the only one that contains it.
 * @throws UserError
 */
export function testName(records: readonly HistoryRecord[], written: string): string {
  const known = new Set(
    records.flatMap(({ tests }) =>
      tests ? [...tests.failures, ...tests.flakyTests, ...tests.slowest].map(({ name }) => name) : [],
    ),
  );
  if (known.has(written)) return written;
  const found = [...known].filter((name) => name.toLowerCase().includes(written.toLowerCase()));
  const [only, ...others] = found;
  if (only !== undefined && others.length === 0) return only;
  if (only !== undefined)
    throw new UserError(
      "EA8131",
      `${count(found.length, "test")} have "${written}" in their names: ${found
        .slice(0, alternatives)
        .map((name) => `"${name}"`)
        .join(", ")}${found.length > alternatives ? `, and ${found.length - alternatives} more` : ""}; write more of the name`,
    );
  throw new UserError(
    "EA8131",
    `no record names a test "${written}"; ${meant(written, [...known])} A record names only the tests that failed or were flaky, and the slowest: \`env-actions history tests\` lists those that were bad`,
  );
}
