import { dirname, join, posix } from "node:path";
import { isGroup, text } from "../config/path.ts";
import { isAction } from "./action-reference.ts";
import { checkoutFolder, isComputed, runFolder, stageJobs } from "./gate.ts";
import type { Project } from "./project.ts";
import type { Place, Subject } from "./rule.ts";
import { type Job, type Step, stepPlace } from "./workflow.ts";

/** Steps that install packages, and the lock files that they need. */

/** What has to be in a folder, or in one above it: any of these files. */
export interface LockNeed {
  /** The command or input that needs it. */
  what: string;
  manager: string;
  /** What to do if the file is in another folder. */
  elsewhere: string;
  at: Place;
  /** Relative to the repository. */
  folder: string;
  anyOf: readonly string[];
  /** Whether folders above count too. */
  above: boolean;
  /** Whether it matters only if package.json names packages. */
  onlyWithPackages: boolean;
}

const npmLocks = ["package-lock.json", "npm-shrinkwrap.json"];
const bunLocks = ["bun.lock", "bun.lockb", "package-lock.json", "yarn.lock", "pnpm-lock.yaml"];

const frozen: readonly { called: RegExp; anyOf: readonly string[]; onlyWithPackages: boolean }[] = [
  { called: /^npm\s+(?:ci|clean-install|cit)(?=\s|$)/, anyOf: npmLocks, onlyWithPackages: false },
  { called: /^pnpm\s+(?:i|install)\s+(?:\S+\s+)*--frozen-lockfile(?=\s|$)/, anyOf: ["pnpm-lock.yaml"], onlyWithPackages: true },
  {
    called: /^yarn\s+(?:install\s+)?(?:\S+\s+)*--(?:frozen-lockfile|immutable)(?=\s|$)/,
    anyOf: ["yarn.lock"],
    onlyWithPackages: true,
  },
  {
    called: /^bun\s+(?:ci(?=\s|$)|(?:i|install)\s+(?:\S+\s+)*--frozen-lockfile(?=\s|$))/,
    anyOf: bunLocks,
    onlyWithPackages: true,
  },
];

/** What `actions/setup-node` looks for in the root of the workspace, and in no other folder. */
const cached: Readonly<Record<string, readonly string[]>> = {
  npm: [...npmLocks, "yarn.lock"],
  pnpm: ["pnpm-lock.yaml"],
  yarn: ["yarn.lock"],
};

/** The steps with a lock file, in each job with a stage, up to the first that may write one itself. */
export function lockNeeds(subject: Pick<Subject, "workflows">): { job: Job; needs: LockNeed[] }[] {
  return stageJobs(subject).flatMap((job) => {
    const needs: LockNeed[] = [];
    for (const step of job.stages.findLast(({ jobStep }) => jobStep)?.earlier ?? []) {
      if (mayWriteLock(step)) break;
      needs.push(...needsOf(job, step));
    }
    return needs.length > 0 ? [{ job, needs }] : [];
  });
}

function needsOf(job: Job, step: Step): LockNeed[] {
  if (step.condition !== undefined) return [];
  const cache = isAction(step.uses, "actions/setup-node") ? text(step.with.cache) : undefined;
  const locks = cache === undefined || step.with["cache-dependency-path"] !== undefined ? undefined : cached[cache];
  if (cache !== undefined && locks && checkoutFolder(job) === undefined)
    return [
      {
        ...{ what: `setup-node with cache: ${cache}`, manager: cache, elsewhere: "name it under `cache-dependency-path`" },
        ...{ at: stepPlace(step, "with", "cache"), folder: "." },
        ...{ anyOf: locks, above: false, onlyWithPackages: false },
      },
    ];
  const start = folderOfStep(job, step);
  if (step.run === undefined || start === undefined) return [];
  let folder: string | undefined = start;
  const found: LockNeed[] = [];
  for (const command of commandsIn(step.run)) {
    const [, target] = /^(?:cd|pushd)\s+["']?([\w./-]+)["']?$/.exec(command) ?? [];
    if (/^(?:cd|pushd|popd)\b/.test(command))
      folder = folder === undefined || target === undefined || target.startsWith("/") ? undefined : posix.join(folder, target);
    const need = frozen.find(({ called }) => called.test(command));
    if (need && folder !== undefined && !/\s(?:-C|--(?:prefix|dir|cwd|lockfile-dir))\b/.test(command))
      found.push({
        ...need,
        what: command,
        manager: command.split(/\s/)[0] ?? "",
        elsewhere: "let the step run there: `working-directory`",
        at: stepPlace(step, "run"),
        folder,
        above: true,
      });
  }
  return found;
}

/** The commands of a script, one after the other. None if only a shell knows which of them run, and in which folder. */
function commandsIn(script: string): string[] {
  if (/[(){}]|\|\||\b(?:if|for|while|case)\b/.test(script)) return [];
  return script
    .replaceAll("\\\n", " ")
    .split(/\n|&&|;/)
    .map((command) => command.replace(/(?:^|\s)#.*$/, "").trim())
    .filter((command) => command !== "");
}

/** Relative to the repository; `undefined` if only a run knows, or if it is outside. */
function folderOfStep(job: Job, step: Step): string | undefined {
  // The defaults hold for the steps of the workflow, and not for those of a local action.
  const usual = step.file === job.workflow.file ? runFolder(job) : undefined;
  const own = step.file.at([...step.path, "working-directory"]) ?? usual;
  if (isComputed(own)) return undefined;
  const folder = posix.relative(checkoutFolder(job) ?? ".", text(own) ?? ".");
  return folder.startsWith("..") || posix.isAbsolute(text(own) ?? "") ? undefined : folder || ".";
}

/** Whether a step may have put a lock file there: it installs without being told to keep to one, or does what nobody knows. */
function mayWriteLock({ run, uses, with: given }: Step): boolean {
  if (run !== undefined) return commandsIn(run).length === 0 || !commandsIn(run).every(writesNoLock);
  if (isAction(uses, "actions/checkout")) return [given.repository, given.ref, given.submodules].some((one) => one !== undefined);
  const known = ["actions/setup-node", "actions/setup-python", "pnpm/action-setup", "oven-sh/setup-bun", "actions/setup-java"];
  return uses?.kind !== "env-actions" && !known.some((name) => isAction(uses, name));
}

function writesNoLock(command: string): boolean {
  return (
    frozen.some(({ called }) => called.test(command)) ||
    /^(?:cd|pushd|popd|corepack|echo|node\s+--version|npm\s+(?:run|test|exec|install\s+(?:-g|--global))|npx\s+playwright|pnpm\s+exec|yarn\s+playwright)(?=\s|$)/.test(
      command,
    )
  );
}

/** Whether the files are there, as far as one can see. */
export function hasLock(project: Project, { folder, anyOf, above, onlyWithPackages }: LockNeed): boolean {
  const start = join(project.root, folder);
  if (onlyWithPackages && !namesPackages(project, start)) return true;
  for (let path = start; ; path = dirname(path)) {
    // A folder that isn't there, or that wasn't read, says nothing.
    const names = project.lockFiles.get(path);
    if (names === undefined || anyOf.some((name) => names.includes(name))) return true;
    if (!above || !project.lockFiles.has(dirname(path))) return false;
  }
}

/** Whether package.json of a folder names packages. */
export function namesPackages({ packages }: Project, folder: string): boolean {
  const own = packages.get(folder);
  return ["dependencies", "devDependencies", "optionalDependencies"].some((key) => {
    const named = own?.file.at([key]);
    return isGroup(named) && Object.keys(named).length > 0;
  });
}
