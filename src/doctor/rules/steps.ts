import { posix } from "node:path";
import { group, text } from "../../config/path.ts";
import { isAction } from "../action-reference.ts";
import { checkoutFolder, isComputed, runFolder, stageJobs } from "../gate.ts";
import { hasLock, lockNeeds } from "../installs.ts";
import type { Project } from "../project.ts";
import type { Rule, Subject } from "../rule.ts";
import { commandsOf, packageAt, type StartedCommand, startedCommands, withScripts } from "../scripts.ts";
import { type Job, type StageUse, type Step, stepPlace } from "../workflow.ts";

/** The steps around a stage: checkout, packages, browsers, caches and uploads. */

const records = /(?:^|\/)\.env-actions(?:\/|$)/;

/** The paths of an action's input, one a line, without those that are left out with `!`. */
function pathsOf(value: unknown): string[] {
  return (text(value) ?? "")
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("!"));
}

/** Steps with an action that reads or writes such a path. */
function* stepsWith(subject: Subject, action: string, wanted: (path: string) => boolean): Iterable<Step> {
  for (const { steps } of stageJobs(subject))
    for (const step of steps) if (isAction(step.uses, action) && pathsOf(step.with.path).some(wanted)) yield step;
}

export const hiddenUpload: Rule = {
  code: "ED501",
  severity: "surprises",
  title: "The upload is empty",
  meaning: "`actions/upload-artifact` leaves out files and folders whose name begins with a dot, such as `.env-actions`.",
  cure: "Add `include-hidden-files: true`.",
  *find(subject) {
    for (const step of stepsWith(subject, "actions/upload-artifact", (path) => records.test(path)))
      if (String(step.with["include-hidden-files"]) !== "true")
        yield {
          at: stepPlace(step, "with", "path"),
          message: "this step uploads .env-actions without include-hidden-files: true",
        };
  },
};

export const wholeFolderUpload: Rule = {
  code: "ED502",
  severity: "unsafe",
  title: "The whole folder .env-actions is uploaded",
  meaning:
    "The folder also has what a killed stage left: tokens of test users, ledgers, logs. Anyone who can read the run can download it.",
  cure: "Upload the file that you need, such as `.env-actions/audit.jsonl`. Reports and evidence are uploaded by env-actions itself.",
  *find(subject) {
    const isWhole = (path: string): boolean => /(?:^|\/)\.env-actions(?:\/\**)?(?:\/\*)?$/.test(path);
    for (const step of stepsWith(subject, "actions/upload-artifact", isWhole))
      yield { at: stepPlace(step, "with", "path"), message: "this step uploads all of .env-actions" };
  },
};

/** What env-actions itself keeps for later runs. */
const kept = /(?:^|\/)\.env-actions\/(?:history(?:\/|$)|baseline(?:\/|$)|alerts\.json$|rollbacks\.json$)/;

export const cachedRecords: Rule = {
  code: "ED503",
  severity: "unsafe",
  title: "A cache brings back records of another run",
  meaning:
    "`.env-actions` holds runs, ledgers and evidence. A cache puts those of an older run beside those of this one, and anyone who can fill the cache can write them.",
  cure: "Cache only `.env-actions/history`. Without a cache: let `history.store` name a branch or a folder.",
  *find(subject) {
    for (const step of stepsWith(subject, "actions/cache", (path) => records.test(path) && !kept.test(path)))
      yield { at: stepPlace(step, "with", "path"), message: "this cache restores files of .env-actions" };
  },
};

/** Older versions kept it; now it is read once, as long as the history is young. */
const keptBefore = /(?:^|\/)\.env-actions\/(?:baseline(?:\/|$)|alerts\.json$)/;
const history = /(?:^|\/)\.env-actions\/history(?:\/|$)/;

export const cachedBefore: Rule = {
  code: "ED512",
  severity: "surprises",
  title: "The cache carries files that are no longer written",
  meaning:
    "Baselines, alerts and rollbacks are remembered in the history. With `history.store: workspace` that is `.env-actions/history`, and a runner forgets it. `.env-actions/baseline` and `.env-actions/alerts.json` are from older versions.",
  cure: "Let `history.store` name a branch or a folder, or add a step that caches `.env-actions/history`. Keep the old step until the comparisons have enough runs: GitHub finds a cache by its paths.",
  *find(subject) {
    if ((subject.configuration?.file.at(["history", "store"]) ?? "workspace") !== "workspace") return;
    const caches = [...stepsWith(subject, "actions/cache", (path) => keptBefore.test(path) || history.test(path))];
    const keeps = (job: Job): boolean =>
      job.steps.some((step) => caches.includes(step) && pathsOf(step.with.path).some((path) => history.test(path)));
    for (const job of stageJobs(subject)) {
      const step = job.steps.find((one) => caches.includes(one));
      if (step && !keeps(job))
        yield { at: stepPlace(step, "with", "path"), message: "this cache carries no .env-actions/history" };
    }
  },
};

export const lateCheckout: Rule = {
  code: "ED504",
  severity: "fails",
  title: "A checkout removes the evidence of a stage",
  meaning:
    "`actions/checkout` cleans the workspace first, with all that git doesn't track: `.env-actions` too. The next stage then finds no evidence.",
  cure: "Check out once, before the first stage. Give a second repository a folder of its own: `path: other`.",
  *find(subject) {
    for (const job of stageJobs(subject)) {
      const at = (use: StageUse): number => (use.jobStep ? job.steps.indexOf(use.jobStep) : -1);
      const [first, last] = [Math.min(...job.stages.map(at)), Math.max(...job.stages.map(at))];
      for (const [index, step] of job.steps.entries())
        if (
          index > first &&
          index < last &&
          isAction(step.uses, "actions/checkout") &&
          step.with.path === undefined &&
          String(step.with.clean) !== "false"
        )
          yield {
            at: stepPlace(step, "uses"),
            message: "this checkout runs between two stages, and removes what the first one wrote",
          };
    }
  },
};

export const noCheckout: Rule = {
  code: "ED505",
  severity: "fails",
  title: "There is nothing to test",
  meaning: "No step before the stage checks the repository out, so its configuration is missing.",
  cure: "Add `actions/checkout` as the first step of the job.",
  *find(subject) {
    for (const { job, use } of firstStages(subject, () => true)) {
      // A script or another action may have put the files there.
      const mayHave = use.earlier.some((step) => step.run !== undefined || !isKnownHarmless(step));
      if (use.jobStep === use.step && !mayHave)
        yield { at: stepPlace(use.step), message: `the job ${job.id} has no checkout before ${use.stage}` };
    }
  },
};

function isKnownHarmless({ uses }: Step): boolean {
  return ["actions/setup-node", "actions/cache", "actions/setup-python"].some((name) => isAction(uses, name));
}

/** The first stage of a kind in each job. */
function* firstStages(subject: Subject, wanted: (use: StageUse) => boolean): Iterable<{ job: Job; use: StageUse }> {
  for (const job of stageJobs(subject)) {
    const use = job.stages.find((one) => one.jobStep && wanted(one));
    if (use) yield { job, use };
  }
}

/** An unknown action may do anything. */
function mayDoAnything({ uses }: Step): boolean {
  return (
    uses !== undefined &&
    uses.kind !== "env-actions" &&
    !/^actions\/(?:checkout|setup-[\w-]+|cache|upload-artifact|download-artifact)$/.test(uses.path)
  );
}

const installsPackages = /\b(?:npm|pnpm|yarn|bun|make|task|just|nx|turbo|lerna|rush|pip3?|uv|poetry|corepack)\b/;

export const noPackages: Rule = {
  code: "ED506",
  severity: "fails",
  title: "The packages are not installed",
  meaning:
    "A command that the stage runs (its tests, a server or a task) needs packages of npm, and no step before it installs them.",
  cure: "Add `- run: npm ci` before the stage. It needs no credential.",
  *find(subject) {
    for (const job of stageJobs(subject)) {
      if (hasContainer(job)) continue;
      for (const use of job.stages) {
        if (!use.jobStep || use.earlier.some(mayInstallPackages)) continue;
        const [first] = startedCommands(subject, use, job).filter((one) => needsPackages(subject.project, one));
        if (!first) continue;
        yield { at: stepPlace(use.step), message: `no step before ${use.stage} installs packages, and ${first.what} needs them` };
        break;
      }
    }
  },
};

function mayInstallPackages(step: Step): boolean {
  const restores = isAction(step.uses, "actions/cache") || isAction(step.uses, "actions/download-artifact");
  return restores || mayDoAnything(step) || installsPackages.test(step.run ?? "");
}

/** Programs that come with packages, as a command or a script calls them. */
const packagedProgram =
  /(?:^|[\s;&|(])(?:vitest|jest|mocha|playwright|cypress|tsx|ts-node|c8|nyc|ava|tap|cross-env|dotenv|concurrently|nodemon|next|vite|nest|react-scripts|start-server-and-test)(?=\s|$)|\bnode_modules\//;

/** Without packages, `npm test` of a project that only uses Node's own test runner is fine. */
function needsPackages(project: Project, { command, folder }: StartedCommand): boolean {
  const [, program] = /^\s*(?:\w+=\S*\s+)*(npm|npx|pnpm|yarn|bunx?|node)\b/.exec(command) ?? [];
  if (program === undefined || project.hasPackages) return false;
  const scripts = withScripts(project, folder, command);
  if (scripts.some((script) => packagedProgram.test(script))) return true;
  // What was built may have its packages inside, npx downloads them, and a single file of Node's may need none.
  const mayNeedNone =
    ["npx", "bunx", "node"].includes(program) || scripts.some((script) => /\b(?:dist|build|out)\//.test(script));
  return !mayNeedNone && Object.keys(group(packageAt(project, folder)?.file.at(["dependencies"]))).length > 0;
}

export const noBrowsers: Rule = {
  code: "ED507",
  severity: "fails",
  title: "The browsers are not installed",
  meaning: "The command of e2e runs Playwright, and no step before it installs Playwright's browsers.",
  cure: "Add `- run: npx playwright install --with-deps` before the stage, or set `stages.e2e.install: true` with `browsers`.",
  *find(subject) {
    if (subject.configuration?.file.at(["stages", "e2e", "install"]) === true || usesOtherBrowsers(subject)) return;
    for (const { job, use } of firstStages(subject, ({ stage }) => stage === "e2e")) {
      const commands = commandsOf(subject, use, job)?.join("\n");
      if (commands === undefined || hasContainer(job) || !/\bplaywright\b/.test(commands) || /playwright install/.test(commands))
        continue;
      const installs = use.earlier.some((step) => mayDoAnything(step) || mayInstallBrowsers(step, subject));
      if (!installs) yield { at: stepPlace(use.step), message: "no step before e2e installs Playwright's browsers" };
    }
  },
};

/** Such as the Chrome that GitHub's runners have. */
function usesOtherBrowsers({ project }: Subject): boolean {
  return [...project.toolSettings].some(
    ([path, text]) =>
      /playwright[\w.-]*$/.test(path) && /\b(?:channel|executablePath|launchOptions|connectOptions|wsEndpoint)\b/.test(text),
  );
}

function mayInstallBrowsers({ run = "" }: Step, { project }: Subject): boolean {
  if (/playwright\b.{0,200}\binstall\b|\bmake\b|\btask\b/.test(run)) return true;
  const scripts = [...project.packages.values()].flatMap((one) => Object.entries(one.scripts));
  return scripts.some(
    ([name, script]) => /playwright\b.{0,200}\binstall\b/.test(script) && (run.includes(name) || /install$|^prepare$/.test(name)),
  );
}

/** An image may have everything already. */
function hasContainer(job: Job): boolean {
  return job.workflow.file.at([...job.path, "container"]) !== undefined;
}

export const noLockFile: Rule = {
  code: "ED511",
  severity: "fails",
  title: "There is no lock file to install from",
  meaning:
    "`npm ci`, and `--frozen-lockfile` or `--immutable` of other package managers, install what a lock file says, and fail without one. So does `cache` of `actions/setup-node`, which looks in the root of the checkout.",
  cure: "Commit the lock file that the package manager writes: run `npm install` once. If it is in another folder, install there, and name it under `cache-dependency-path`.",
  *find(subject) {
    for (const { needs } of lockNeeds(subject)) {
      const missing = needs.find((need) => !hasLock(subject.project, need));
      if (!missing) continue;
      const where = missing.folder === "." ? "the root of the repository" : missing.folder;
      const lock = missing.anyOf[0] ?? "";
      yield {
        at: missing.at,
        message: `${missing.what} needs ${lock}, and ${where} has none`,
        cure: `Run \`${missing.manager} install\` once, and commit ${lock}. If it is in another folder, ${missing.elsewhere}.`,
      };
    }
  },
};

export const folderOfRun: Rule = {
  code: "ED508",
  severity: "fails",
  title: "The stage runs in another folder than the scripts",
  meaning:
    "`defaults.run.working-directory` holds for `run:` steps only. An action starts in the root of the checkout, and looks for its configuration there.",
  cure: "Add `with: { working-directory: FOLDER }` to the stage.",
  *find(subject) {
    for (const job of stageJobs(subject)) {
      const folder = runFolder(job);
      if (folder === undefined || posix.normalize(folder) === ".") continue;
      for (const { step, jobStep } of job.stages)
        if (jobStep === step && step.with["working-directory"] === undefined && step.with.config === undefined)
          yield { at: stepPlace(step), message: `scripts of the job ${job.id} run in ${folder}, but this stage does not` };
    }
  },
};

export const checkedOutElsewhere: Rule = {
  code: "ED509",
  severity: "fails",
  title: "The stage runs outside the checkout",
  meaning: "The repository is checked out into a folder (`path`), and the stage has no `working-directory` inside it.",
  cure: "Add `with: { working-directory: FOLDER }` to the stage, or remove `path` from the checkout.",
  *find(subject) {
    for (const job of stageJobs(subject)) {
      const folder = checkoutFolder(job);
      if (folder === undefined || folder === ".") continue;
      for (const { step, jobStep } of job.stages) {
        const own = step.with["working-directory"];
        const isInside = isComputed(own) || posix.normalize(text(own) ?? ".").split("/")[0] === folder.split("/")[0];
        if (jobStep === step && !isInside)
          yield { at: stepPlace(step), message: `the repository is in ${folder}, and this stage runs outside it` };
      }
    }
  },
};

export const noStage: Rule = {
  code: "ED510",
  severity: "fails",
  title: "The step names no stage",
  meaning: "The action in the root of env-actions runs the stage that its input `stage` names.",
  cure: "Write `with: { stage: preflight }`, or integration, e2e, smoke, cleanup, staging, gate, comment, approve or dashboard.",
  *find({ workflows }) {
    for (const { jobs } of workflows)
      for (const job of jobs)
        for (const step of job.steps) {
          if (step.uses?.kind !== "env-actions" || step.uses.stage !== undefined || isComputed(step.with.stage)) continue;
          if (
            job.stages.some((use) => use.step === step) ||
            [...job.gates, ...job.comments, ...job.approvals, ...job.dashboards].includes(step)
          )
            continue;
          const isRoot = step.uses.path.split("/").length === 2;
          const message = isRoot ? `${step.uses.text} needs the input stage` : `${step.uses.text} is no action of env-actions`;
          yield { at: stepPlace(step, ...(isRoot && step.with.stage !== undefined ? ["with", "stage"] : ["uses"])), message };
        }
  },
};
