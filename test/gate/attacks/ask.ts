import { startGitHub } from "../../../local/github/index.ts";
import { readZip } from "../../../src/github/zip.ts";
import type { LocalArtifacts } from "../../harness/artifact-service.ts";
import type { Row } from "./question.ts";
import type { SequenceRow } from "./sequence.ts";
import { type Ended, startGate } from "./start.ts";
import { startStage } from "./start-stage.ts";

/** Where a row's process runs. */
export interface Place {
  workspace: string;
  service: LocalArtifacts;
}

type Check = (isRight: boolean, problem: string) => void;

const answers = {
  starts: { status: 0, verdict: "passed" },
  refused: { status: 3, verdict: "error" },
  invalid: { status: 2, verdict: undefined },
};
const exitStatus = { passed: 0, degraded: 0, failed: 1, error: 1, cancelled: 1, refused: 2 };

/** @returns what is wrong with the gate's answer, below the name of the row */
export async function problemsOfGate(row: Row, { workspace, service }: Place): Promise<string[]> {
  const [what, , outcome, says, runner] = row;
  const asked = typeof runner === "object" ? runner.github : undefined;
  const github = asked && (await startGitHub({ repositories: { "classwaves/app": {} }, tokens: { job: asked.token } }));
  try {
    if (github) asked?.before?.(github);
    const ended = await startGate(row, { workspace, service, apiUrl: github?.url });
    if (github) asked?.after(github);
    return named(what, ended, (check) => {
      const { status, log, verdict, summary } = ended;
      const isRefused = outcome === "refused";
      check(status === exitStatus[outcome], `expected exit status ${exitStatus[outcome]}, got ${status}`);
      check(verdict === (isRefused ? undefined : outcome), `expected the output ${outcome}, got ${verdict}`);
      check(says.test(log), `expected ${says}`);
      const head = isRefused ? /^$/ : new RegExp(`^# \\S+ Gate ${outcome}\n`);
      check(head.test(summary), `expected ${head} in the summary, got ${summary}`);
      const shown = readable(summary);
      for (const [line, why = ""] of log.matchAll(/^✘ [\w-]+ [\w -]+: (.*)$/gm))
        check(
          shown.includes(why) || /\d jobs and cells/.test(shown),
          `expected the reason of "${line}" in the summary, got ${shown}`,
        );
      const annotation = isRefused ? "::error title=" : `::error title=gate ${outcome}::`;
      check(log.includes(annotation) === (status !== 0), "expected an annotation only if the gate is closed");
      for (const violation of github?.violations ?? []) check(false, JSON.stringify(violation));
    });
  } catch (error) {
    return [`${what}:\n${String(error)}`];
  } finally {
    await github?.stop();
  }
}

/** @returns what is wrong with the answer of a stage that is asked to start: a refused one runs nothing, and what it leaves opens nothing */
export async function problemsOfStage(row: SequenceRow, { workspace, service }: Place): Promise<string[]> {
  const [what, stage, { token = "read" }, answer, says] = row;
  const github = await startGitHub({
    repositories: { "classwaves/app": {} },
    tokens: { job: { permissions: token === "none" ? {} : { deployments: "read" } } },
  });
  try {
    const ended = await startStage(row, { workspace, service, github });
    return named(what, ended, (check) => {
      const { status, log, verdict, summary, ran, uploaded } = ended;
      const wanted = answers[answer];
      check(status === wanted.status, `expected exit status ${wanted.status}, got ${status}`);
      check(verdict === wanted.verdict, `expected the output ${wanted.verdict}, got ${verdict}`);
      check(says.test(log), `expected ${says}`);
      check(ran === (answer === "starts"), ran ? "its tests ran" : "its tests did not run");
      for (const text of [log, summary])
        check(
          text.includes("Refused to start: ") === (answer === "refused"),
          `expected a refusal only if it is one, got ${summary}`,
        );
      const evidence = uploaded.find(({ name }) => name.startsWith(`env-actions-${stage}-`));
      const text = evidence && readZip(evidence.archive).find(({ name }) => name === "evidence.json")?.content;
      const left: unknown = text && JSON.parse(text.toString("utf8")).verdict;
      check(left === wanted.verdict, `expected evidence of ${wanted.verdict}, got ${left}`);
      for (const violation of github.violations) check(false, JSON.stringify(violation));
    });
  } finally {
    await github.stop();
  }
}

/** Markdown as a person reads it. */
function readable(summary: string): string {
  const names: Record<string, string> = { amp: "&", lt: "<", gt: ">", quot: '"' };
  return summary
    .replaceAll("&#8203;", "")
    .replace(/&#(\d+);/g, (_, code) => String.fromCodePoint(Number(code)))
    .replace(/&(\w+);/g, (entity, name) => names[name] ?? entity);
}

function named(what: string, { log }: Ended, judge: (check: Check) => void): string[] {
  const problems: string[] = [];
  judge((isRight, problem) => {
    if (!isRight) problems.push(problem);
  });
  return problems.length > 0 ? [`${what}:\n${problems.join("\n")}\n${log}`] : [];
}
