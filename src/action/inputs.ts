import { matrixCell } from "../evidence/matrix.ts";
import type { ErrorCode } from "../model/error-codes/catalogue.ts";
import { isCommit, isPlanDigest, type StageName, stageNames } from "../model/report.ts";
import { type Input, type InputName, inputs } from "./interface.ts";

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
  /** The cell of the job's matrix, as text. */
  cell: string | undefined;
}

export type InputsRead = { ok: true; inputs: ActionInputs } | { ok: false; code: ErrorCode; mistakes: string[] };

const scopes = ["run", "expired", "all"] as const;

/** YAML 1.2's core schema, as in `core.getBooleanInput`. */
const booleans: ReadonlyMap<string, boolean> = new Map([
  ...(["true", "True", "TRUE"] as const).map((text) => [text, true] as const),
  ...(["false", "False", "FALSE"] as const).map((text) => [text, false] as const),
]);

/** Reads INPUT_*, the runner's variables for inputs. Reports all mistakes at once. */
export function readInputs(env: Env): InputsRead {
  const mistakes: string[] = [];
  const value = (name: InputName): string | undefined => {
    const text = inputOf(env, name);
    if (text !== "") return text;
    const declared: Input = inputs[name];
    return declared.default;
  };
  const choice = <Choice extends string>(name: string, text: string, choices: readonly Choice[]): Choice => {
    const chosen = choices.find((candidate) => candidate === text);
    if (chosen === undefined)
      mistakes.push(
        text === ""
          ? `the input \`${name}\` is missing: expected one of ${choices.join(", ")}`
          : `the input \`${name}\`: expected one of ${choices.join(", ")}, got "${text}"`,
      );
    return chosen ?? (choices[0] as Choice);
  };
  const boolean = (name: InputName, text: string): boolean => {
    const read = booleans.get(text);
    if (read === undefined) mistakes.push(`the input \`${name}\`: expected true or false, got "${text}"`);
    return read ?? true;
  };

  const read: ActionInputs = {
    stage: choice("stage", inputOf(env, "stage"), stageNames),
    config: value("config") ?? "",
    environment: value("environment"),
    workingDirectory: value("working-directory") ?? ".",
    foreignHead: value("foreign-head"),
    failOn: choice("fail-on", value("fail-on") ?? "failed", ["failed", "degraded"] as const),
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
    scope: choice("scope", value("scope") ?? "expired", scopes),
    dryRun: boolean("dry-run", value("dry-run") ?? "true"),
    planDigest: value("plan-digest"),
    // The default is an expression that only the runner can evaluate.
    cell: matrixCell(inputOf(env, "matrix")),
  };
  if (read.planDigest !== undefined && !isPlanDigest(read.planDigest))
    mistakes.push(
      `the input \`plan-digest\`: expected the 64 hexadecimal digits that the dry run showed, got "${read.planDigest}"`,
    );
  if (read.foreignHead !== undefined && !isCommit(read.foreignHead))
    mistakes.push(`the input \`foreign-head\`: expected the full SHA of a commit, got "${read.foreignHead}"`);
  const invalid = mistakes.length > 0;
  if (read.stage === "cleanup" && read.scope === "all" && !read.dryRun && read.planDigest === undefined)
    mistakes.push(
      "the input `plan-digest` is missing, and `scope: all` with `dry-run: false` requires it: run it with `dry-run: true`, read the plan, and pass the digest that it shows",
    );
  return mistakes.length === 0 ? { ok: true, inputs: read } : { ok: false, code: invalid ? "EA1104" : "EA1105", mistakes };
}

/** The runner writes the name in upper case, with underscores for spaces; dashes are kept. */
function inputOf(env: Env, name: InputName | "stage"): string {
  return (env[`INPUT_${name.toUpperCase()}`] ?? "").trim();
}
