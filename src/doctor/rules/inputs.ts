import { type ActionName, actionNames, type Input, inputs, isDeclaredBy } from "../../action/interface.ts";
import { group } from "../../config/path.ts";
import { suggestion } from "../../lib/nearest.ts";
import { isAction } from "../action-reference.ts";
import { configuredStages, environmentOf, isComputed, readsConfiguration, stageJobs, stageWorkflows } from "../gate.ts";
import type { Found, Rule, Subject } from "../rule.ts";
import { actionSteps, type Job, type StageUse, type Step, stepPlace } from "../workflow.ts";
import type { YamlFile } from "../yaml-file.ts";

/** What the configuration and the workflows say about each other. */

export const faultyConfiguration: Rule = {
  code: "ED101",
  severity: "fails",
  title: "The configuration can't be used",
  meaning:
    "The file doesn't exist, or has a mistake; its message has a code of its own, explained in [errors](errors.md). Every stage ends with exit status 2 before it does anything.",
  cure: "Correct the place: the message says what to write there.",
  find: ({ faulty }) => faulty,
};

export const unreadableWorkflow: Rule = {
  code: "ED102",
  severity: "fails",
  title: "GitHub can't read the workflow",
  meaning:
    "GitHub runs no job of a workflow that it can't read. Merge keys (`<<`) and duplicate keys are refused, too. Anchors and aliases are fine.",
  cure: "Correct the place.",
  find: ({ unreadable }) => unreadable,
};

export const unknownEnvironment: Rule = {
  code: "ED103",
  severity: "fails",
  title: "The stage names an unknown environment",
  meaning:
    "The input `environment` is no environment of the configuration, or is missing although there are several and no `defaultEnvironment`.",
  cure: "Write the name of an environment in the configuration.",
  *find(subject) {
    const { configuration } = subject;
    if (!configuration) return;
    const names = Object.keys(configuration.environments);
    for (const job of stageJobs(subject))
      for (const use of job.stages) {
        if (!use.jobStep || isComputed(use.step.with.environment) || !readsConfiguration(use, job, configuration.file.path))
          continue;
        const name = environmentOf(use, configuration);
        if (name !== undefined && names.includes(name)) continue;
        const isWritten = use.step.with.environment !== undefined;
        const message =
          name === undefined
            ? `${use.stage} names no environment, and the configuration has no default; known: ${names.join(", ")}`
            : `the configuration has no environment ${JSON.stringify(name)}; ${suggestion(name, names)}`;
        yield { at: stepPlace(use.step, ...(isWritten ? ["with", "environment"] : ["uses"])), message };
      }
  },
};

export const noCommand: Rule = {
  code: "ED104",
  severity: "fails",
  title: "The stage has no command",
  meaning:
    "Integration and e2e run the command that the configuration or the input `command` names. Without one they end with exit status 2.",
  cure: "Write `command` under `stages` in the configuration, or as an input of the step.",
  *find(subject) {
    for (const { use, configuration } of configuredStages(subject)) {
      if (use.stage !== "integration" && use.stage !== "e2e") continue;
      if (configuration.file.at(["stages", use.stage]) === false) continue;
      if (use.step.with.command === undefined && configuration.file.at(["stages", use.stage, "command"]) === undefined)
        yield { at: stepPlace(use.step), message: `stages.${use.stage}.command is missing in ${configuration.file.name}` };
    }
  },
};

export const leftOutStage: Rule = {
  code: "ED106",
  severity: "fails",
  title: "The workflow runs a stage that the configuration leaves out",
  meaning:
    "With `false` under `stages`, the project doesn't have the stage: the gate doesn't ask for it, and running it is a mistake (EA5007).",
  cure: "Remove the step, or remove `false` from the configuration.",
  *find(subject) {
    for (const { use, configuration } of configuredStages(subject))
      if (configuration.file.at(["stages", use.stage]) === false)
        yield { at: stepPlace(use.step), message: `${configuration.file.name} leaves ${use.stage} out` };
  },
};

export const missingVariables: Rule = {
  code: "ED105",
  severity: "fails",
  title: "The stage lacks a variable",
  meaning:
    "The environment needs a variable that neither the step nor its job or workflow sets. A missing variable fails the stage before it does anything.",
  cure: "Add it to `env` of the step, from `vars` or `secrets`.",
  *find(subject) {
    for (const { job, use, name, configuration } of configuredStages(subject)) {
      if (use.jobStep !== use.step || mayBeSetBefore(job, use)) continue;
      const given = new Set([...Object.keys(use.step.env), ...["env"].flatMap((key) => envOf(job, key))]);
      const missing = [...configuration.variablesOf(name, use.stage).keys()].filter(
        (one) => !given.has(one) && !runnerSets.test(one),
      );
      if (missing.length > 0) yield { at: stepPlace(use.step), message: `${use.stage} in ${name} needs ${missing.join(", ")}` };
    }
  },
};

/** The runner sets these in every job; `NODE_EXTRA_CA_CERTS` and proxies may be set on the machine. */
const runnerSets = /^(?:GITHUB_|RUNNER_|ACTIONS_|CI$|HOME$|PATH$|USER$|TMPDIR$|NODE_EXTRA_CA_CERTS$)/;

function envOf(job: Job, key: string): string[] {
  const own = Object.keys(group(job.workflow.file.at([...job.path, key])));
  return [...own, ...Object.keys(group(job.workflow.file.at([key])))];
}

/** A step before may have written to the file of variables, and an unknown action may do so unseen. */
function mayBeSetBefore(job: Job, use: StageUse): boolean {
  return (
    !job.runsOn?.every((label) => /^(?:ubuntu|windows|macos)-/.test(label)) ||
    job.workflow.file.at([...job.path, "container"]) !== undefined ||
    use.earlier.some(({ run, uses }) => {
      if (run !== undefined) return /GITHUB_ENV|\bsource\b|(?:^|\s)\.\/|\bmake\b|\bbash\b|\bsh\b|\bnode\b|\bpython/.test(run);
      const isKnown =
        uses?.kind === "env-actions" ||
        ["checkout", "setup-node", "cache", "upload-artifact", "download-artifact"].some((name) =>
          isAction(uses, `actions/${name}`),
        );
      return !isKnown;
    })
  );
}

export const unknownInput: Rule = {
  code: "ED107",
  severity: "surprises",
  title: "The action has no such input",
  meaning:
    "GitHub ignores an input that the action doesn't declare, and only warns. The stage runs as if the line were not there. [Every input](actions.md)",
  cure: "Correct the name, or remove the line.",
  *find({ workflows }) {
    for (const { jobs } of workflows)
      for (const job of jobs) for (const { action, step } of actionSteps(job)) yield* unknownInputs(step, action);
  },
};

function* unknownInputs(step: Step, action: ActionName): Iterable<Found> {
  // The action in the root of the repository declares all of them, and the stage.
  const isRoot = step.uses?.stage === undefined;
  const declared = Object.entries<Input>(inputs).filter(([, input]) => isRoot || isDeclaredBy(action, input));
  const known = [...(isRoot ? ["stage"] : []), ...declared.flatMap(([name, { hidden }]) => (hidden ? [] : [name]))];
  for (const name of Object.keys(step.with)) {
    // The runner compares names without their case.
    const isName = (other: string): boolean => other.toLowerCase() === name.toLowerCase();
    if (isRoot && isName("stage")) continue;
    if (declared.some(([other]) => isName(other))) continue;
    const [elsewhere] = Object.entries<Input>(inputs).filter(([other]) => isName(other));
    const others = elsewhere && actionNames.filter((other) => isDeclaredBy(other, elsewhere[1]));
    const hint = others ? `only ${others.join(", ")} ${others.length === 1 ? "has" : "have"} it` : suggestion(name, known);
    yield {
      at: step.file.keyPlace([...step.path, "with", name]),
      message: `${isRoot ? "env-actions" : action} has no input ${JSON.stringify(name)}; ${hint}`,
    };
  }
}

/** As `init` writes them, in files that say so. */
const writtenByInit = /^# Written by `env-actions init`/m;
const question = /^(\s*)# TODO: (\S.*)$/;

export const openQuestion: Rule = {
  code: "ED108",
  severity: "surprises",
  title: "A question of init has no answer yet",
  meaning:
    "`env-actions init` writes a TODO for what the repository doesn't show. Until somebody answers it, the value below is a guess or a placeholder.",
  cure: "Write the right value below, and remove the TODO.",
  *find(subject) {
    const { configuration } = subject;
    const files = [...(configuration ? [configuration.file] : []), ...stageWorkflows(subject).map(({ file }) => file)];
    for (const file of files) yield* openQuestions(file);
  },
};

function* openQuestions({ name, text }: YamlFile): Iterable<Found> {
  if (!writtenByInit.test(text)) return;
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    const [, before = "", asked] = question.exec(line) ?? [];
    if (asked !== undefined)
      yield { at: { file: name, line: index + 1, column: before.length + 1 }, message: `still to fill in: ${asked}` };
  }
}

export const unmentionedStage: Rule = {
  code: "ED109",
  severity: "fails",
  title: "The gate expects a stage that the configuration doesn't mention",
  meaning:
    "The gate asks for preflight, integration and e2e, unless the configuration says that the project has none. Without a command, `env-actions gate` ends with exit status 2 (EA5005), and the action `gate` finds no evidence of the stage.",
  cure: "If the project has no such tests, write `false` in place of the settings, such as `e2e: false`. Otherwise write `command` and `reports` of the stage.",
  *find(subject) {
    const { configuration } = subject;
    if (!configuration) return;
    for (const stage of ["integration", "e2e"] as const) {
      if (configuration.file.at(["stages", stage]) !== undefined) continue;
      const uses = configuredStages(subject).filter(({ use }) => use.stage === stage);
      // Of a step that runs it without a command, noCommand says so.
      if (uses.some(({ use }) => use.step.with.command === undefined)) continue;
      const asks = whoAsks(subject, stage, uses.length > 0);
      if (asks !== undefined)
        yield {
          at: configuration.file.keyPlace(["stages"]),
          message: `stages.${stage} is missing, and ${asks} expects it: write ${stage}: false if you have none`,
        };
    }
  },
};

/** @param isRun whether a step of a workflow runs the stage with a command of its own */
function whoAsks(subject: Subject, stage: "integration" | "e2e", isRun: boolean): string | undefined {
  const { workflows, configurationPath, configuration, project } = subject;
  const jobs = stageJobs(subject);
  for (const job of isRun ? [] : jobs)
    for (const step of job.gates)
      if (step.with.stages === undefined && readsConfiguration({ step }, job, configurationPath))
        return `the gate in ${step.file.name}`;
  const scripts = [
    ...workflows.flatMap(({ jobs: all }) => all.flatMap(({ steps }) => steps.flatMap(({ run }) => run ?? []))),
    ...[...project.packages.values()].flatMap(({ scripts: own }) => Object.values(own)),
  ];
  const isGate = (script: string): boolean => /\benv-actions\s+gate\b/.test(script) && !/--c(?:ommand|onfig)\b/.test(script);
  // Without a workflow of ours, tests that are configured are for the terminal.
  const isForTerminal = jobs.length === 0 && configuration?.suite(stage === "e2e" ? "integration" : "e2e") !== undefined;
  return scripts.some(isGate) || isForTerminal ? "`env-actions gate`" : undefined;
}
