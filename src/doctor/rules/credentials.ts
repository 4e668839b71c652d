import { group, isGroup, text } from "../../config/path.ts";
import { type ActionReference, actionReference, isAction, isPinned } from "../action-reference.ts";
import { expressionsIn } from "../expression.ts";
import { allTexts, configuredStages, stageJobs, stageWorkflows } from "../gate.ts";
import { callsPublishedGate } from "../reusable.ts";
import type { Found, Place, Rule, Subject } from "../rule.ts";
import { inherited, type Job, jobPlace, type Step, stepPlace, type Workflow } from "../workflow.ts";
import type { YamlFile } from "../yaml-file.ts";

/** Who gets which credential, and whose code runs beside it. */

const secret = /\bsecrets\s*(?:\.|\[)|toJSON\(\s*secrets\s*\)/i;

export const secretsAbove: Rule = {
  code: "ED401",
  severity: "unsafe",
  title: "Every step gets the credentials",
  meaning:
    "`env` at the job or the workflow gives its secrets to each step: `npm ci` with the scripts of its packages, and every other action.",
  cure: "Move them to `env` of the steps that need them; an anchor (`env: &credentials`, `env: *credentials`) saves repeating them.",
  *find(subject) {
    for (const workflow of stageWorkflows(subject)) {
      yield* secretsIn(workflow.file, ["env"], "the workflow");
      for (const job of workflow.jobs) yield* secretsIn(workflow.file, [...job.path, "env"], `the job ${job.id}`);
    }
  },
};

function* secretsIn(file: YamlFile, path: (string | number)[], whose: string): Iterable<Found> {
  const names = Object.entries(group(file.at(path))).flatMap(([name, value]) => (secret.test(text(value) ?? "") ? [name] : []));
  if (names[0] !== undefined)
    yield { at: file.keyPlace([...path, names[0]]), message: `all steps of ${whose} can read ${names.join(", ")}` };
}

/** Where a text is inside a value of the file, which may have many lines. */
function placeInside(step: Step, path: (string | number)[], pattern: RegExp): Place {
  const { file } = step;
  const place = stepPlace(step, ...path);
  const lines = file.text.split("\n");
  for (let line = place.line; line <= lines.length; line += 1) {
    const from = line === place.line ? place.column - 1 : 0;
    const at = (lines[line - 1] ?? "").slice(from).search(pattern);
    if (at >= 0) return { file: file.name, line, column: from + at + 1 };
  }
  return place;
}

/** What a step gives to a shell, or runs as code. */
function scriptsOf(step: Step): { path: (string | number)[]; script: string }[] {
  const script = isAction(step.uses, "actions/github-script") ? text(step.with.script) : undefined;
  return [
    ...(step.run === undefined ? [] : [{ path: ["run"], script: step.run }]),
    ...(script === undefined ? [] : [{ path: ["with", "script"], script }]),
  ];
}

function* inScripts(job: Job, pattern: RegExp, message: string): Iterable<Found> {
  for (const step of job.steps)
    for (const { path, script } of scriptsOf(step))
      if (expressionsIn(script).some((expression) => pattern.test(expression)))
        yield { at: placeInside(step, path, new RegExp(`\\$\\{\\{[^}]{0,500}(?:${pattern.source})`, "i")), message };
}

export const secretInScript: Rule = {
  code: "ED402",
  severity: "unsafe",
  title: "A secret is written into a script",
  meaning:
    "GitHub replaces `${{ }}` in the text of the script before a shell reads it. A quote or `$` in the secret changes what runs, and the script's file on the runner has the value.",
  cure: 'Give it to the step by `env`, and read the variable in the script: `"$NAME"`.',
  *find(subject) {
    for (const { jobs } of stageWorkflows(subject))
      for (const job of jobs) yield* inScripts(job, secret, "a secret is inside ${{ }} of a script");
  },
};

/** What people without write access can choose. */
const chosenByOthers =
  /github\.head_ref\b|github\.event\.(?:issue|pull_request|discussion|comment|review|review_comment|commits|head_commit|pages|workflow_run)\b[\w.[\]*]{0,200}\.(?:title|body|message|name|email|label|page_name|default_branch|head_branch|ref)\b/i;

export const foreignTextInScript: Rule = {
  code: "ED403",
  severity: "unsafe",
  title: "Anybody can write into a script",
  meaning:
    "The title of a pull request or the name of its branch becomes part of the script, and so code that runs with what the job has.",
  cure: 'Give it to the step by `env`, and read the variable in the script: `"$TITLE"`.',
  *find(subject) {
    for (const { jobs } of stageWorkflows(subject))
      for (const job of jobs) yield* inScripts(job, chosenByOthers, "text that anybody can choose is inside ${{ }} of a script");
  },
};

export const keptToken: Rule = {
  code: "ED404",
  severity: "unsafe",
  title: "The checkout leaves its token to later steps",
  meaning:
    "Without `persist-credentials: false`, `actions/checkout` stores the job's token, and each later step can use it: the tests too.",
  cure: "Add `with: { persist-credentials: false }` to the checkout.",
  *find(subject) {
    for (const job of stageJobs(subject))
      for (const step of job.steps)
        if (isAction(step.uses, "actions/checkout") && String(step.with["persist-credentials"]) !== "false")
          yield { at: stepPlace(step, "uses"), message: "the checkout has no persist-credentials: false" };
  },
};

export const unpinned: Rule = {
  code: "ED405",
  severity: "unsafe",
  title: "An action is not pinned",
  meaning:
    "A tag or a branch can move to other code, which then runs with the credentials of the job. A release of env-actions itself, such as `@v1`, is only listed as not checked while no commit of it is installed (`npm i -D`).",
  cure: "Write the full SHA of the commit that you have read, and the version behind it: `uses: owner/action@<40 digits> # v1.2.3`.",
  *find(subject) {
    for (const { file, jobs } of stageWorkflows(subject))
      for (const job of jobs) {
        if (job.uses !== undefined && !callsPublishedGate(job.uses) && !isPinned(actionReference(job.uses)))
          yield { at: file.valuePlace([...job.path, "uses"]), message: `${job.uses} is not pinned to a commit` };
        for (const step of job.steps) if (step.uses && !isPinned(step.uses)) yield* unpinnedStep(subject, step, step.uses);
      }
  },
};

/** A branch or a tag of env-actions' own releases. */
const release = /^v\d+(?:\.\d+\.\d+)?(?:-portable)?$/;

/** `init` writes `@v1` while no commit of a release is installed. Then there is nothing to write instead, and that is said. */
function* unpinnedStep({ project, notLookedAt }: Subject, step: Step, uses: ActionReference): Iterable<Found> {
  const found = { at: stepPlace(step, "uses"), message: `${uses.text} is not pinned to a commit` };
  if (uses.kind !== "env-actions" || !release.test(uses.ref ?? "")) yield found;
  else if (project.lockedCommit !== undefined)
    yield { ...found, cure: `Write the commit that is installed here: @${project.lockedCommit}, with its version behind it.` };
  else
    notLookedAt({
      what: `the commit of classwaves/env-actions@${uses.ref} in ${step.file.name}`,
      why: "this name moves with each release. To pin it, install env-actions (npm i -D) and run the doctor again",
    });
}

interface Permissions {
  /** The place of the block; of the job, if nothing is written. */
  at: Place;
  written: unknown;
}

function permissionsOf(job: Job): Permissions {
  const found = inherited(job, "permissions");
  if (!found) return { at: jobPlace(job), written: undefined };
  return { at: job.workflow.file.keyPlace(found.path), written: found.value ?? {} };
}

/** @returns `undefined` if the repository's settings decide */
function allows({ written }: Permissions, name: string, level: "read" | "write"): boolean | undefined {
  if (written === undefined) return undefined;
  if (written === "write-all") return true;
  if (written === "read-all") return level === "read";
  const given = isGroup(written) ? written[name] : undefined;
  return given === "write" || (level === "read" && given === "read");
}

/**
 * Jobs that do something without the permission for it.
 * @param reason what a job does with the permission; `undefined` if it doesn't need it
 * @param usual whether a job may have it without `permissions`, by the settings of the repository
 */
function* withoutPermission(
  subject: Subject,
  { name, level, usual }: { name: string; level: "read" | "write"; usual: boolean },
  reason: (job: Job) => string | undefined,
): Iterable<Found> {
  for (const job of stageJobs(subject)) {
    const does = reason(job);
    const permissions = permissionsOf(job);
    if (does !== undefined && !(allows(permissions, name, level) ?? usual))
      yield { at: permissions.at, message: `the job ${job.id} ${does}, but has no ${name}: ${level}` };
  }
}

export const noIdToken: Rule = {
  code: "ED406",
  severity: "fails",
  title: "Signing in by oidc isn't allowed",
  meaning: "The environment signs in to Databricks by `oidc`. Without `id-token: write`, GitHub gives the job no id token.",
  cure: "Add `id-token: write` under `permissions` of the job.",
  find(subject) {
    const stages = configuredStages(subject).filter(({ environment }) => group(environment.databricks).oidc !== undefined);
    return withoutPermission(subject, { name: "id-token", level: "write", usual: false }, (job) => {
      const signsIn = stages.find((one) => one.job === job);
      return signsIn && `signs in to ${signsIn.name} by oidc`;
    });
  },
};

export const noDeploymentsRead: Rule = {
  code: "ED407",
  severity: "fails",
  title: "Smoke can't check the deployment",
  meaning:
    "Smoke with `deployment` asks GitHub whether that deployment succeeded. Without `deployments: read` GitHub refuses the request.",
  cure: "Add `deployments: read` under `permissions` of the job.",
  find: (subject) =>
    withoutPermission(subject, { name: "deployments", level: "read", usual: true }, ({ stages }) =>
      stages.some(({ stage, step }) => stage === "smoke" && step.with.deployment && step.with["github-token"] === undefined)
        ? "names a deployment"
        : undefined,
    ),
};

export const noCommentWrite: Rule = {
  code: "ED413",
  severity: "surprises",
  title: "The result can't be written on the pull request",
  meaning:
    'With `comment: "true"`, the gate writes its result on the pull request, and the action `comment` does so after the run. Without `pull-requests: write`, the gate only warns, and `comment` fails.',
  cure: "Add `pull-requests: write` under `permissions` of the job.",
  find: (subject) =>
    withoutPermission(subject, { name: "pull-requests", level: "write", usual: true }, ({ gates, comments }) =>
      comments.length > 0 || gates.some((step) => String(step.with.comment) === "true") ? "writes a comment" : undefined,
    ),
};

export const noStatusWrite: Rule = {
  code: "ED414",
  severity: "surprises",
  title: "The gate can't show the stages as statuses",
  meaning: 'With `statuses: "true"`, the gate shows each stage as a commit status. Without `statuses: write`, it only warns.',
  cure: "Add `statuses: write` under `permissions` of the job.",
  find: (subject) =>
    withoutPermission(subject, { name: "statuses", level: "write", usual: true }, ({ gates }) =>
      gates.some((step) => String(step.with.statuses) === "true") ? "shows statuses" : undefined,
    ),
};

export const noContentsRead: Rule = {
  code: "ED408",
  severity: "fails",
  title: "The job can't check out the repository",
  meaning:
    "`permissions` that are written replace the defaults. Without `contents: read`, the checkout of a private repository fails.",
  cure: "Add `contents: read` under `permissions` of the job.",
  find: (subject) =>
    withoutPermission(subject, { name: "contents", level: "read", usual: true }, ({ steps }) =>
      steps.some((step) => isAction(step.uses, "actions/checkout") && step.with.token === undefined)
        ? "checks the repository out"
        : undefined,
    ),
};

export const widePermissions: Rule = {
  code: "ED409",
  severity: "unsafe",
  title: "The job's token may write",
  meaning:
    "Without `permissions`, the settings of the repository decide what the token may do; often it may write everything. The tests can use it.",
  cure: "Write `permissions: {}` at the workflow, and at each job what it needs, such as `contents: read`.",
  *find(subject) {
    const seen = new Set<string>();
    for (const job of stageJobs(subject)) {
      const { at, written } = permissionsOf(job);
      const key = `${at.file}:${at.line}`;
      if (seen.has(key) || (written !== undefined && written !== "write-all")) continue;
      seen.add(key);
      yield { at, message: `the job ${job.id} has ${written === undefined ? "no permissions" : "permissions: write-all"}` };
    }
  },
};

export const inheritedSecrets: Rule = {
  code: "ED410",
  severity: "unsafe",
  title: "A called workflow gets all secrets",
  meaning:
    "`secrets: inherit` passes every secret of the repository and the organization to the called workflow, not only those that it needs.",
  cure: "Name each secret: `secrets: { REDIS_URL: ${{ secrets.REDIS_URL }} }`.",
  *find(subject) {
    for (const workflow of callers(subject.workflows))
      for (const job of workflow.jobs)
        if (job.uses !== undefined && workflow.file.at([...job.path, "secrets"]) === "inherit" && job.stages.length > 0)
          yield { at: jobPlace(job, "secrets"), message: `the job ${job.id} passes all secrets to ${job.uses}` };
  },
};

function callers(workflows: readonly Workflow[]): Workflow[] {
  return workflows.filter(({ jobs }) => jobs.some(({ uses }) => uses !== undefined));
}

export const callerPermissions: Rule = {
  code: "ED411",
  severity: "fails",
  title: "A called workflow needs more than its caller has",
  meaning:
    "Permissions only shrink from the caller to the called workflow. GitHub refuses to start a workflow that asks for more.",
  cure: "Give the calling job the same `permissions`.",
  *find({ workflows }) {
    for (const workflow of callers(workflows))
      for (const job of workflow.jobs) {
        const called = workflows.find(({ file }) => `./${file.path}` === job.uses);
        const permissions = permissionsOf(job);
        if (!called || permissions.written === undefined || job.stages.length === 0) continue;
        const asked = called.jobs.flatMap((one) => Object.entries(group(permissionsOf(one).written)));
        const missing = asked.filter(
          ([name, level]) => (level === "read" || level === "write") && allows(permissions, name, level) === false,
        );
        const names = [...new Set(missing.map(([name, level]) => `${name}: ${String(level)}`))];
        if (names.length > 0)
          yield {
            at: permissions.at,
            message: `${called.file.path} needs ${names.join(", ")}, which the job ${job.id} doesn't have`,
          };
      }
  },
};

export const secretsOfInstall: Rule = {
  code: "ED412",
  severity: "unsafe",
  title: "Packages get the credentials",
  meaning: "A step that installs packages has secrets in its `env`. The scripts of all packages can read them.",
  cure: "Remove `env` from the step. If a registry needs a token, install with `--ignore-scripts`.",
  *find(subject) {
    for (const job of stageJobs(subject))
      for (const step of job.steps) {
        const isInstall = /\b(?:npm|pnpm|yarn|bun|pip3?|poetry|uv|bundle|composer)\s+(?:ci|install|i|add|sync)\b/.test(
          step.run ?? "",
        );
        const names = Object.entries(step.env).flatMap(([name, value]) => (secret.test(allTexts(value).join()) ? [name] : []));
        const runsScripts = !/--ignore-scripts\b/.test(step.run ?? "");
        if (isInstall && runsScripts && names[0] !== undefined)
          yield { at: stepPlace(step, "env", names[0]), message: `the packages that this step installs get ${names.join(", ")}` };
      }
  },
};
