import { text } from "../../config/path.ts";
import { parseTimeLimit } from "../../config/values.ts";
import { isAction } from "../action-reference.ts";
import { isComputed, readsConfiguration, stageJobs } from "../gate.ts";
import type { Rule, Subject } from "../rule.ts";
import { packageAt } from "../scripts.ts";
import { type Job, jobPlace, type StageUse, stepPlace } from "../workflow.ts";

/** Which runner and which Node run a stage, and for how long. */

/** The portable form of a release: its branch or tag, or a SHA with the tag behind it. */
function isPortable({ step, reference }: StageUse): boolean {
  if (reference.kind !== "env-actions" || /-portable$/.test(reference.ref ?? "")) return true;
  const { line } = stepPlace(step, "uses");
  return /#.{0,200}-portable\b/.test(step.file.text.split("\n")[line - 1] ?? "");
}

function* plainUses(subject: Subject): Iterable<{ job: Job; use: StageUse }> {
  for (const job of stageJobs(subject)) for (const use of job.stages) if (use.jobStep && !isPortable(use)) yield { job, use };
}

export const ownRunner: Rule = {
  code: "ED601",
  severity: "surprises",
  title: "A self-hosted runner may be too old",
  meaning: "The actions load their common part with `uses: $/…`, which runners before 2.336 don't know.",
  cure: "Use runner 2.336 or later, or the portable form of the release: `@v1-portable`.",
  *find(subject) {
    const seen = new Set<Job>();
    for (const { job } of plainUses(subject)) {
      if (seen.has(job) || !job.runsOn?.includes("self-hosted")) continue;
      seen.add(job);
      yield { at: jobPlace(job, "runs-on"), message: `the job ${job.id} needs runner 2.336 or later on its self-hosted runner` };
    }
  },
};

/** Workflows of this repository run on GitHub Enterprise Server. `ghe.com` is GitHub's own cloud. */
function enterpriseServer({ project: { remoteHost } }: Subject): string | undefined {
  const isElsewhere =
    remoteHost === undefined ||
    /(?:^|\.)(?:github\.com|ghe\.com|gitlab\.[\w.]+|bitbucket\.[\w.]+|dev\.azure\.com|visualstudio\.com)$/.test(remoteHost);
  return isElsewhere ? undefined : remoteHost;
}

export const notPortable: Rule = {
  code: "ED602",
  severity: "fails",
  title: "GitHub Enterprise Server doesn't know this form",
  meaning: "The actions load their common part with `uses: $/…`. GitHub Enterprise Server doesn't know that form.",
  cure: "Use the portable form of the release: `@v1-portable`.",
  *find(subject) {
    const host = enterpriseServer(subject);
    if (host === undefined) return;
    for (const { use } of plainUses(subject))
      yield {
        at: stepPlace(use.step, "uses"),
        message: `the repository is on ${host}, and ${use.reference.text} is not the portable form`,
      };
  },
};

export const notForAct: Rule = {
  code: "ED603",
  severity: "surprises",
  title: "act doesn't know this form",
  meaning: "The repository has settings of act, which doesn't know `uses: $/…`: the stages fail there.",
  cure: "Use the portable form of the release where act runs: `@v1-portable`.",
  *find(subject) {
    const { act } = subject.project;
    const [first] = plainUses(subject);
    if (act && first)
      yield { at: act, message: `act runs these workflows, and ${first.use.reference.text} is not the portable form` };
  },
};

export const evidenceBetweenJobs: Rule = {
  code: "ED604",
  severity: "fails",
  title: "A later job finds no evidence",
  meaning: "GitHub Enterprise Server has no artifact service that env-actions can use, so evidence doesn't reach another job.",
  cure: "Run the stages as steps of one job, as in the README, or name a folder that all jobs reach in `evidence.store`.",
  *find(subject) {
    const host = enterpriseServer(subject);
    if (host === undefined || subject.configuration?.hasEvidenceFolder) return;
    for (const job of stageJobs(subject))
      for (const [index, use] of job.stages.entries()) {
        const needed = use.stage === "e2e" ? "integration" : use.stage === "integration" ? "preflight" : undefined;
        if (!use.jobStep || needed === undefined || job.stages.slice(0, index).some(({ stage }) => stage === needed)) continue;
        yield {
          at: stepPlace(use.jobStep),
          message: `on ${host}, ${use.stage} can't see the evidence of ${needed} from another job`,
        };
      }
  },
};

export const shortTimeout: Rule = {
  code: "ED605",
  severity: "surprises",
  title: "The runner stops a stage before its budget ends",
  meaning:
    "A stage that reaches its `budget` stops its tests and deletes their data. `timeout-minutes` kills it instead, and only its post step deletes.",
  cure: "Set `timeout-minutes` longer than the budgets of all stages in the job together, or lower `budget`.",
  *find(subject) {
    for (const job of stageJobs(subject)) {
      const { file } = job.workflow;
      const path = [...job.path, "timeout-minutes"];
      const all = job.stages.filter(({ jobStep }) => jobStep).map((use) => budgetOf(subject, use, job));
      const total = all.reduce<number>((sum, budget) => sum + (budget ?? 0), 0);
      const whole = file.at(path);
      if (typeof whole === "number" && whole * 60_000 <= total)
        yield {
          at: file.keyPlace(path),
          message: `the job ${job.id} ends after ${whole} minutes; its stages may take ${total / 60_000}`,
        };
      for (const use of job.stages) {
        const own = use.jobStep?.file.at([...use.jobStep.path, "timeout-minutes"]);
        const budget = budgetOf(subject, use, job);
        if (use.jobStep && typeof own === "number" && budget !== undefined && own * 60_000 <= budget)
          yield {
            at: use.jobStep.file.keyPlace([...use.jobStep.path, "timeout-minutes"]),
            message: `the step ends after ${own} minutes; ${use.stage} may take ${budget / 60_000}`,
          };
      }
    }
  },
};

function budgetOf({ configuration }: Subject, use: StageUse, job: Job): number | undefined {
  const input = use.step.with.budget;
  if (isComputed(input)) return undefined;
  if (text(input)) return parseTimeLimit(text(input) ?? "");
  return configuration && readsConfiguration(use, job, configuration.file.path) ? configuration.budget(use.stage) : undefined;
}

const oldestNode = 22;

export const oldNode: Rule = {
  code: "ED606",
  severity: "fails",
  title: "Node is too old for the command line",
  meaning: "The actions bring their own Node. The command line `env-actions` runs on the job's, and needs Node 22 or later.",
  cure: "Set `node-version: 24` at `actions/setup-node`.",
  *find({ workflows }) {
    for (const { jobs } of workflows)
      for (const job of jobs) {
        let version: { major: number; step: Job["steps"][number] } | undefined;
        for (const step of job.steps) {
          const major = isAction(step.uses, "actions/setup-node") ? majorOf(step.with["node-version"]) : undefined;
          if (major !== undefined) version = { major, step };
          if (version && version.major < oldestNode && /\bnpx\b[^\n]{0,200}\benv-actions\s/.test(step.run ?? "")) {
            yield {
              at: stepPlace(version.step, "with", "node-version"),
              message: `the command line needs Node ${oldestNode}, and this job has ${version.major}`,
            };
            break;
          }
        }
      }
  },
};

export const otherNode: Rule = {
  code: "ED607",
  severity: "surprises",
  title: "Tests run on a Node that the project excludes",
  meaning:
    "`engines.node` of package.json and `node-version` of the job exclude each other. Tests then run where the application never does.",
  cure: "Write a version that `engines.node` allows, or `node-version-file: package.json`.",
  *find(subject) {
    const { project } = subject;
    const engines = text(packageAt(project, ".")?.file.at(["engines", "node"]));
    if (engines === undefined) return;
    for (const job of stageJobs(subject))
      for (const step of job.steps) {
        const major = isAction(step.uses, "actions/setup-node") ? majorOf(step.with["node-version"]) : undefined;
        if (major !== undefined && excludes(engines, major))
          yield {
            at: stepPlace(step, "with", "node-version"),
            message: `package.json requires Node ${engines}, and the job ${job.id} has ${major}`,
          };
      }
  },
};

function majorOf(version: unknown): number | undefined {
  const [, major] = /^v?(\d+)(?:\.[\dx*]+){0,2}$/.exec(String(version)) ?? [];
  return major === undefined ? undefined : Number(major);
}

/** Only for ranges of whole versions; whatever else is written excludes nothing. */
function excludes(range: string, major: number): boolean {
  const parts = range.split("||").map((part) => part.trim());
  return parts.every((part) => {
    const [, operator = "", number = ""] = /^(>=|\^|~|=|<)?\s*v?(\d+)(?:\.[\dx*]+){0,2}$/.exec(part) ?? [];
    if (number === "") return false;
    if (operator === ">=") return major < Number(number);
    if (operator === "<") return major >= Number(number);
    return major !== Number(number);
  });
}
