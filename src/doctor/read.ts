import { join, resolve } from "node:path";
import { loadConfig } from "../config/load.ts";
import { isGroup } from "../config/path.ts";
import { count } from "../lib/count.ts";
import { UserError } from "../model/user-error.ts";
import { Configuration } from "./configuration.ts";
import { RepositoryFiles } from "./files.ts";
import { lockNeeds } from "./installs.ts";
import { readProject } from "./project.ts";
import type { Found, NotLookedAt, Subject } from "./rule.ts";
import { type LocalFiles, stepsAt, type Workflow, workflowOf } from "./workflow.ts";
import { correctWords, type UnknownWord } from "./workflow-words.ts";
import { YamlFile } from "./yaml-file.ts";

export interface ReadOptions {
  /** Absolute. */
  cwd: string;
  /** As the user named it. */
  configFile: string;
  env: Readonly<Record<string, string | undefined>>;
}

const mostWorkflows = 200;
const mostActions = 200;

/** Reads all that the rules look at. Nothing is run, and nothing is asked over the network. */
export async function readSubject({
  cwd,
  configFile,
  env,
}: ReadOptions): Promise<{ subject: Subject; notLookedAt: NotLookedAt[] }> {
  const told: NotLookedAt[] = [];
  const tell = (one: NotLookedAt): void => {
    if (!told.some(({ what, why }) => what === one.what && why === one.why)) told.push(one);
  };
  const files = new RepositoryFiles(cwd, tell);
  const unreadable: Found[] = [];
  const unknownWords: UnknownWord[] = [];
  const workflows = await readWorkflows(files, { unreadable, unknownWords }, tell);
  const { configuration, faulty } = await readConfiguration(files, configFile, env, tell);
  const suites = (["integration", "e2e"] as const).flatMap((stage) => configuration?.suite(stage) ?? []);
  const folders = [".", ...suites.map(({ workingDirectory }) => workingDirectory ?? ".")];
  const needles = configuration && suites.length > 0 ? needlesOf(configuration) : [];
  const installs = lockNeeds({ workflows }).flatMap(({ needs }) => needs.map(({ folder }) => join(files.root, folder)));
  const project = await readProject(files, folders, needles, [...new Set(installs)]);
  return {
    subject: {
      workflows,
      configurationPath: files.pathOf(resolve(cwd, configFile)),
      configuration,
      project,
      environment: undefined,
      unreadable,
      faulty,
      unknownWords,
      notLookedAt: tell,
    },
    notLookedAt: told,
  };
}

/** Any of these in a test shows that it marks its data. */
function needlesOf(configuration: Configuration): string[] {
  return ["ENV_ACTIONS_PREFIX", "ENV_ACTIONS_RUN_ID", "ENV_ACTIONS_LEDGER", "env-actions/testkit", ...configuration.prefixes()];
}

async function readWorkflows(
  files: RepositoryFiles,
  mistakes: { unreadable: Found[]; unknownWords: UnknownWord[] },
  tell: (told: NotLookedAt) => void,
): Promise<Workflow[]> {
  const folder = join(files.root, ".github", "workflows");
  const paths = (await files.in(folder)).filter((path) => /\.ya?ml$/.test(path));
  if (paths.length > mostWorkflows)
    tell({ what: files.nameOf(folder), why: `only the first ${mostWorkflows} of ${paths.length} files were read` });
  const found = new Map<string, YamlFile>();
  for (const path of paths.slice(0, mostWorkflows)) {
    const file = await readYaml(files, path);
    if (!file) continue;
    // First, because a misspelled key is then missing, too.
    if (!file.parsed.broken) mistakes.unknownWords.push(...correctWords(file));
    mistakes.unreadable.push(...whyNoWorkflow(file));
    if (!file.parsed.broken && isGroup(file.parsed.data)) found.set(file.path, file);
  }
  const local: LocalFiles = { actions: await readActions(files, [...found.values()]), workflows: found };
  return [...found.values()].map((file) => workflowOf(file, local));
}

/** GitHub refuses such a file, and then runs none of its jobs. */
function whyNoWorkflow(file: YamlFile): Found[] {
  const { mistakes, data } = file.parsed;
  if (mistakes.length > 0) return mistakes.map(({ at, message }) => ({ at: file.offsetPlace(at.start), message }));
  if (!isGroup(data)) return [{ at: file.offsetPlace(0), message: "expected a workflow with on and jobs, got none" }];
  return ["on", "jobs"]
    .filter((key) => data[key] === undefined || data[key] === null)
    .map((key) => ({ at: file.keyPlace([key]), message: `the workflow has no ${key}` }));
}

async function readYaml(files: RepositoryFiles, path: string): Promise<YamlFile | undefined> {
  const text = await files.text(path);
  return text === undefined ? undefined : new YamlFile({ name: files.nameOf(path), path: files.pathOf(path), text });
}

/** Local actions that a workflow uses, and those that these use. */
async function readActions(files: RepositoryFiles, workflows: readonly YamlFile[]): Promise<Map<string, YamlFile>> {
  const found = new Map<string, YamlFile>();
  const asked = new Set<string>();
  let steps = workflows.flatMap((file) =>
    Object.keys((file.at(["jobs"]) ?? {}) as object).flatMap((id) => stepsAt(file, ["jobs", id, "steps"])),
  );
  while (steps.length > 0) {
    const paths = new Set(steps.flatMap(({ uses }) => (uses?.kind === "local" ? [uses.path] : [])));
    steps = [];
    for (const path of paths) {
      if (asked.has(path) || asked.size >= mostActions || path.startsWith("..")) continue;
      asked.add(path);
      for (const name of ["action.yml", "action.yaml"]) {
        const file = await readYaml(files, join(files.root, path, name));
        if (!file) continue;
        found.set(path, file);
        steps.push(...stepsAt(file, ["runs", "steps"]));
        break;
      }
    }
  }
  return found;
}

/** A stage gets these from its step; the form is all that is checked here. */
const placeholders = {
  DATABRICKS_HOST: "adb-1234567890123456.7.azuredatabricks.net",
  DATABRICKS_WAREHOUSE_ID: "1234567890abcdef",
  DATABRICKS_TOKEN: "placeholder-of-the-doctor",
};

async function readConfiguration(
  files: RepositoryFiles,
  configFile: string,
  env: ReadOptions["env"],
  tell: (told: NotLookedAt) => void,
): Promise<{ configuration: Configuration | undefined; faulty: Found[] }> {
  const path = resolve(files.cwd, configFile);
  const text = await files.text(path);
  if (text === undefined) {
    const at = { file: configFile, line: 1, column: 1 };
    const cure =
      "Run `env-actions init` to write one; beside workflows that it wrote, `env-actions init --overwrite`. If it is elsewhere, name it with `--config`, or run the doctor in its project's folder.";
    return { configuration: undefined, faulty: [{ at, message: "the configuration does not exist, or cannot be read", cure }] };
  }
  const faulty: Found[] = [];
  try {
    const set = Object.fromEntries(Object.entries(env).filter(([, value]) => value));
    await loadConfig({ file: configFile, cwd: files.cwd, env: { ...placeholders, ...set }, text });
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    // Only that a variable is missing here: in the workflow, each step has its own.
    const variables = error.mistakes.filter(({ code }) => code === "EA1011");
    if (variables.length > 0)
      tell({
        what: `values with variables in ${configFile}`,
        why: `${count(variables.length, "variable")} ${variables.length === 1 ? "is" : "are"} not set here`,
      });
    for (const mistake of error.mistakes) {
      if (variables.includes(mistake)) continue;
      const { code, message, file, line, column } = mistake;
      const cure = code === "EA1007" ? "Write a key that the configuration has, or remove the line." : undefined;
      faulty.push({ at: { file, line, column }, message: `${code}: ${message}`, ...(cure === undefined ? {} : { cure }) });
    }
    if (error.mistakes.length === 0) faulty.push({ at: { file: configFile, line: 1, column: 1 }, message: error.message });
  }
  const file = new YamlFile({ name: configFile, path: files.pathOf(path), text });
  return { configuration: file.parsed.broken ? undefined : new Configuration(file), faulty };
}
