import { group } from "../../config/path.ts";
import { suggestion } from "../../lib/nearest.ts";
import { isAction } from "../action-reference.ts";
import { configuredStages, environmentOf, isComputed, readsConfiguration, stageJobs } from "../gate.ts";
import type { Rule } from "../rule.ts";
import { type Job, type StageUse, stepPlace } from "../workflow.ts";

/** What the configuration and the workflows say about each other. */

export const faultyConfiguration: Rule = {
  code: "ED101",
  severity: "fails",
  title: "The configuration can't be used",
  meaning:
    "The file doesn't exist, or has a mistake; its message has a code of its own, explained in [errors](errors.md). Every stage ends with exit status 2 before it does anything.",
  cure: "Correct the place. `env-actions init` writes a new configuration.",
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
