import { posix } from "node:path";
import { configuredStages, isComputed, readsConfiguration, stageJobs, stageWorkflows } from "./gate.ts";
import { type ReadOptions, readSubject } from "./read.ts";
import { ruleAreas } from "./registry.ts";
import { callsPublishedGate } from "./reusable.ts";
import type { EnvironmentFacts, Found, NotLookedAt, Place, Rule, Severity, Subject } from "./rule.ts";

export interface Finding extends Place {
  code: Rule["code"];
  severity: Severity;
  title: string;
  message: string;
  cure: string;
}

/** A finding that a comment in the file accepts, with its reason. */
export interface Accepted extends Finding {
  reason: string;
}

export interface Examination {
  findings: Finding[];
  accepted: Accepted[];
  /** What was looked at, in the words of a list. */
  lookedAt: {
    workflows: string[];
    otherWorkflows: number;
    stages: number;
    configuration: string | undefined;
    environment: string | undefined;
  };
  notLookedAt: NotLookedAt[];
}

/** What only the environment itself can say, as it is named in the answer. */
export const unaskedEnvironment = "tables and clocks of the environment";

/** @param ask asks the environment; left out if nobody wants that */
export async function examine(
  options: ReadOptions,
  ask?: (subject: Subject) => Promise<EnvironmentFacts | undefined>,
): Promise<Examination> {
  const { subject, notLookedAt } = await readSubject(options);
  const environment = ask ? await ask(subject) : undefined;
  const asked: Subject = { ...subject, environment };
  if (!ask) subject.notLookedAt({ what: unaskedEnvironment, why: "run env-actions doctor --online to check them" });
  tellGaps(asked);
  const found = ruleAreas
    .flatMap(({ rules }) => rules)
    .flatMap((rule) => [...rule.find(asked)].map((one) => findingOf(rule, one)));
  const findings = inOrder(found);
  const reasons = new Map(findings.map((finding) => [finding, reasonOf(asked, finding)]));
  const workflows = stageWorkflows(asked);
  return {
    findings: findings.filter((finding) => reasons.get(finding) === undefined),
    accepted: findings.flatMap((finding) => {
      const reason = reasons.get(finding);
      return reason === undefined ? [] : [{ ...finding, reason }];
    }),
    lookedAt: {
      workflows: workflows.map(({ file }) => file.name),
      otherWorkflows: asked.workflows.length - workflows.length,
      stages: stageJobs(asked).reduce((sum, { stages }) => sum + stages.length, 0),
      configuration: asked.configuration?.file.name,
      environment: environment?.name,
    },
    notLookedAt,
  };
}

function findingOf({ code, severity, title, cure }: Rule, found: Found): Finding {
  return { code, severity, title, ...found.at, message: found.message, cure: found.cure ?? cure };
}

/** An anchor makes the same lines count several times; they are one mistake. */
function inOrder(findings: readonly Finding[]): Finding[] {
  const unique = new Map(findings.map((one) => [`${one.code} ${one.file}:${one.line}:${one.column}`, one]));
  return [...unique.values()].sort(
    (a, b) =>
      (a.file < b.file ? -1 : a.file > b.file ? 1 : 0) || a.line - b.line || a.column - b.column || (a.code < b.code ? -1 : 1),
  );
}

/** `# doctor: accept ED203 because …`, on the line of the finding or alone on the line above. */
const acceptance = /#\s*doctor:\s*accept\s+((?:ED\d{3}[,\s]+)+)(?:because\s+)?(\S.{5,})$/;

function reasonOf({ workflows, configuration }: Subject, { file: name, line, code }: Finding): string | undefined {
  const file = [...workflows.map(({ file }) => file), ...(configuration ? [configuration.file] : [])].find(
    (one) => one.name === name,
  );
  const lines = file?.text.split(/\r?\n/) ?? [];
  for (const text of [lines[line - 1] ?? "", /^\s*#/.test(lines[line - 2] ?? "") ? (lines[line - 2] ?? "") : ""]) {
    const [, codes = "", reason] = acceptance.exec(text) ?? [];
    if (reason !== undefined && codes.includes(code)) return reason.trim();
  }
  return undefined;
}

/** What the rules skip without a word, because they couldn't know. */
function tellGaps(subject: Subject): void {
  const { configuration, configurationPath, workflows, notLookedAt } = subject;
  if (stageWorkflows(subject).length === 0) {
    const what = ".github/workflows";
    notLookedAt({ what, why: workflows.length === 0 ? "no workflow could be read" : "no workflow uses env-actions" });
  }
  for (const job of stageJobs(subject))
    for (const use of job.stages) {
      const what = `${job.workflow.file.path}, ${use.stage} of the job ${job.id}`;
      const { config, "working-directory": folder, environment } = use.step.with;
      if ([config, folder, environment].some(isComputed))
        notLookedAt({ what, why: "its configuration or environment is only known during a run" });
      else if (use.jobStep && readsConfiguration(use, job, configurationPath) === false)
        notLookedAt({
          what,
          why: `it uses another configuration (${posix.join(String(folder ?? "."), String(config ?? ".github/env-actions.yml"))}). Run the doctor there too`,
        });
    }
  for (const workflow of workflows)
    for (const job of workflow.jobs)
      if (job.uses !== undefined && !job.uses.startsWith("./") && !callsPublishedGate(job.uses))
        notLookedAt({
          what: `${workflow.file.path}, the job ${job.id}`,
          why: `it calls a workflow in another repository (${job.uses})`,
        });
  if (configuration && configuredStages(subject).length === 0 && stageWorkflows(subject).length > 0)
    notLookedAt({ what: configuration.file.name, why: "no stage of a workflow seems to use it" });
}
