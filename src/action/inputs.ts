import { closeSync, constants, ftruncateSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { matrixCell } from "../evidence/matrix-cell.ts";
import type { ErrorCode } from "../model/error-codes/catalogue.ts";
import type { StageName } from "../model/report.ts";
import { stageOfTask } from "../model/staging.ts";
import { choices, forms, isTrue, oneOf } from "./input-forms.ts";
import { type Input, type InputName, inputs, stageActions } from "./interface.ts";

type Env = Readonly<Record<string, string | undefined>>;

/** The inputs of one step, read and checked as far as possible without the configuration. */
export interface ActionInputs {
  stage: StageName;
  config: string;
  environment: string | undefined;
  workingDirectory: string;
  foreignHead: string | undefined;
  failOn: "failed" | "degraded";
  budget: string | undefined;
  command: string | undefined;
  reports: string[];
  passRate: string | undefined;
  deployment: string | undefined;
  githubToken: string | undefined;
  scope: "run" | "expired" | "all";
  dryRun: boolean;
  planDigest: string | undefined;
  /** The task of `staging` empties the copy before it seeds it. */
  reset: boolean;
  /** The cell of the job's matrix, as text. */
  cell: string | undefined;
}

export type InputsRead =
  | { ok: true; inputs: ActionInputs }
  /** `quoting` if a mistake has text of an input in it, which may be a secret. */
  | { ok: false; code: ErrorCode; mistakes: string[]; quoting: boolean };

/** Reads INPUT_*, the runner's variables for inputs. Reports all mistakes at once. */
export function readInputs(env: Env): InputsRead {
  const mistakes: string[] = [];
  let quoting = false;
  const wrong = (name: string, expected: string, text: string) => {
    quoting = true;
    mistakes.push(`the input \`${name}\`: expected ${expected}, got "${text}"`);
  };
  const value = (name: InputName): string | undefined => {
    const text = inputOf(env, name);
    if (text !== "") return text;
    const declared: Input = inputs[name];
    return declared.default;
  };
  const choice = <Choice extends string>(name: string, text: string, names: readonly Choice[]): Choice => {
    const chosen = names.find((candidate) => candidate === text);
    const expected = oneOf(names);
    if (chosen === undefined && text === "") mistakes.push(`the input \`${name}\` is missing: expected ${expected}`);
    else if (chosen === undefined) wrong(name, expected, text);
    return chosen ?? (names[0] as Choice);
  };
  const boolean = (name: "dry-run", text: string): boolean => {
    const read = isTrue(text);
    if (read === undefined) wrong(name, forms[name].expected, text);
    return read ?? true;
  };

  const action = choice("stage", inputOf(env, "stage"), stageActions);
  const task = choice("task", value("task") ?? "drift", choices.task);
  const read: ActionInputs = {
    stage: action === "staging" ? stageOfTask(task) : action,
    reset: action === "staging" && task === "reset",
    config: value("config") ?? "",
    environment: value("environment"),
    workingDirectory: value("working-directory") ?? ".",
    foreignHead: value("foreign-head"),
    failOn: choice("fail-on", value("fail-on") ?? "failed", choices["fail-on"]),
    budget: value("budget"),
    command: value("command"),
    reports: (value("reports") ?? "")
      .split("\n")
      .map((line) => line.trim())
      .filter((line) => line !== ""),
    passRate: value("pass-rate"),
    deployment: value("deployment"),
    // The default is an expression that only the runner can evaluate.
    githubToken: inputOf(env, "github-token") || undefined,
    scope: choice("scope", value("scope") ?? "expired", choices.scope),
    dryRun: boolean("dry-run", value("dry-run") ?? "true"),
    planDigest: value("plan-digest"),
    // The default is an expression that only the runner can evaluate.
    cell: matrixCell(inputOf(env, "matrix")),
  };
  for (const [name, text] of [["plan-digest", read.planDigest] as const, ["foreign-head", read.foreignHead] as const])
    if (text !== undefined && !forms[name].accepts(text)) wrong(name, forms[name].expected, text);
  const invalid = mistakes.length > 0;
  if (read.stage === "cleanup" && read.scope === "all" && !read.dryRun && read.planDigest === undefined)
    mistakes.push(
      "the input `plan-digest` is missing, and `scope: all` with `dry-run: false` requires it: run it with `dry-run: true`, read the plan, and pass the digest that it shows",
    );
  if (mistakes.length === 0) return { ok: true, inputs: read };
  return { ok: false, code: invalid ? "EA1104" : "EA1105", mistakes, quoting };
}

/** The runner writes the name in upper case, with underscores for spaces; dashes are kept. */
export function inputOf(env: Env, name: InputName | "stage"): string {
  return (env[`INPUT_${name.toUpperCase()}`] ?? "").trim();
}

/**
 * The runner reads these files after the step, and acts on them in later steps or in this step's name. GITHUB_STATE is not
 * listed, because the stage writes to it while it runs, and the last value counts.
 */
const files = ["GITHUB_ENV", "GITHUB_PATH", "GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY"] as const;

/**
 * Remembers the content of the runner's files. Servers and tests do not get the paths, but they run as the same user and can list
 * the folder.
 * @returns a function to call after all of them have ended: it removes what was added, and lists the changed files
 */
export function guardRunnerFiles(env: Env): () => string[] {
  const known = files.flatMap((name) => {
    const path = env[name];
    return path ? [{ name, path, before: content(path) }] : [];
  });
  return () =>
    known.flatMap(({ name, path, before }) => {
      if (before === undefined || content(path)?.equals(before)) return [];
      replace(path, before);
      return [name];
    });
}

/** `undefined` if the runner does not have the file. */
function content(path: string): Buffer | undefined {
  return withFile(path, constants.O_RDONLY, (file) => readFileSync(file));
}

function replace(path: string, bytes: Buffer): void {
  const done = withFile(path, constants.O_WRONLY, (file) => {
    ftruncateSync(file);
    writeFileSync(file, bytes);
    return true;
  });
  if (!done) throw new Error(`${path} was changed while the stage ran, and could not be put back`);
}

/** Does not follow links, which somebody may have placed there. */
function withFile<Result>(path: string, flags: number, work: (file: number) => Result): Result | undefined {
  let file: number;
  try {
    file = openSync(path, flags | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0));
  } catch {
    // The file is missing or is no regular file any more. The caller compares that with the earlier content, and reports it.
    return undefined;
  }
  try {
    return work(file);
  } finally {
    closeSync(file);
  }
}
