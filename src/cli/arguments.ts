import { parseArgs } from "node:util";
import { parsePercent, parseTimeLimit } from "../config/values.ts";
import { errorText } from "../lib/error-text.ts";
import { nearest, suggestion } from "../lib/nearest.ts";
import { isCommit, isPlanDigest } from "../model/report.ts";
import { UserError } from "../model/user-error.ts";
import type { Overrides } from "../stages/context.ts";
import {
  type AuditCommand,
  auditCommands,
  type Command,
  commandNames,
  commands,
  type NameSource,
  nameSources,
  type Option,
  optionNames,
  options,
  type Shell,
  type StagingCommand,
  shells,
  stagingCommands,
  takersOf,
} from "./commands.ts";
import { type CompareArguments, compareArguments } from "./compare-arguments.ts";
import { type DashboardArguments, dashboardArguments } from "./dashboard-arguments.ts";
import { type HistoryArguments, historyArguments } from "./history-arguments.ts";

export interface Arguments {
  command: Command;
  config: string;
  environment: string | undefined;
  /** The environment that `gate` runs smoke in. */
  production: string | undefined;
  budgetMs: number | undefined;
  deployment: string | undefined;
  /** `smoke`: it needs neither evidence nor a deployment. */
  follows: "nothing" | undefined;
  /** On a runner: the reviewed commit of another repository that is allowed to run. */
  foreignHead: string | undefined;
  json: boolean;
  /** `tables`: whether differences fail the command. */
  check: boolean;
  /** `doctor`: whether the environment is asked, too. */
  online: boolean;
  /** `init`: asks nothing, as in a script. */
  yes: boolean;
  /** `init`: replaces files that are there. */
  overwrite: boolean;
  /** `init`: writes the gate's jobs, in place of a call of the reusable workflow. */
  standalone: boolean;
  verbose: boolean;
  /** Shows only the verdict, and what did not pass. */
  quiet: boolean;
  /** The command that help is asked about. */
  about: Command | undefined;
  /** `completion`: the shell. */
  shell: Shell;
  /** `completion`: the names that a completion asks for, and the configuration file that is typed on its line. */
  names: { of: NameSource; config: string | undefined } | undefined;
  /** The subcommand of `audit`. */
  audit: AuditCommand;
  /** The task of `staging`. */
  task: StagingCommand;
  /** `audit report`: the run to report on. */
  run: string | undefined;
  /** `audit`: heads of the log that were stored elsewhere. */
  heads: string[];
  /** `evidence verify`: what to verify, and against what. */
  attestation: AttestationArguments | undefined;
  /** `history`: what to show. */
  history: HistoryArguments | undefined;
  /** `compare`: what beside what. */
  compare: CompareArguments | undefined;
  /** `dashboard`: where it is written. */
  dashboard: DashboardArguments | undefined;
  overrides: Overrides;
  /** `undo`, `repair`: the report of the stage to undo or repair. */
  report: string;
}

/** Files, and what must hold of them. */
export interface AttestationArguments {
  bundle: string;
  evidence: string;
  trustedRoot: string;
  signerWorkflow: string;
  repository: string;
  /** That of the workspace, if absent. */
  commit: string | undefined;
  maxAgeMs: number | undefined;
}

/** @throws UserError if the command would ignore an option */
function refuseIgnored(command: Command, given: Iterable<string>): void {
  if (command === "help" || command === "version") return;
  for (const option of given) {
    if (commands[command].takes.some((one) => one === option)) continue;
    const takers = takersOf(option as Option);
    throw new UserError("EA1103", `--${option} is an option of ${takers.join(", ")}, not of "${command}": remove it`);
  }
}

/** @throws UserError that names the mistake and the correct usage */
export function readArguments(argv: readonly string[]): Arguments {
  const { values, positionals, tokens } = parse(argv);
  const [name = "help", ...rest] = positionals;
  const named = commandNamed(name);
  const command = values.help ? "help" : values.version ? "version" : named;
  const about = named !== "help" ? named : rest[0] === undefined ? undefined : commandNamed(rest[0]);
  refuseIgnored(
    command,
    tokens.flatMap((token) => (token.kind === "option" ? [token.name] : [])),
  );
  const audit = auditCommands.find((candidate) => candidate === rest.join(" "));
  const shell = shells.find((candidate) => candidate === rest.join(" "));
  const source = nameSources.find((candidate) => candidate === rest[0] && rest.length <= 2);
  if (command === "completion" && shell === undefined && source === undefined)
    throw new UserError(
      "EA1102",
      `completion: expected ${shells.join(", ")}, got ${rest.length === 0 ? "no shell" : `"${rest.join(" ")}"`}, such as: env-actions completion bash`,
    );
  const task = stagingCommands.find((candidate) => candidate === rest.join(" "));
  if (command === "staging") refuseTask(task, rest, values);
  if (command === "audit" && audit === undefined) throw new UserError("EA1102", wrongAuditCommand(rest));
  if (audit === "verify" && values.run !== undefined)
    throw new UserError(
      "EA1103",
      "--run is an option of audit report, not of audit verify, which checks the whole log: remove it",
    );
  const attestation = command === "evidence" ? attestationOf(rest, values) : undefined;
  if (values.quiet && values.verbose)
    throw new UserError("EA1103", "--quiet and --verbose contradict each other: remove one of them");
  const takesReport = command === "undo" || command === "repair";
  if (command === "undo" && rest.length === 0) throw new UserError("EA1102", missingReport("undo", "the cleanup to undo"));
  if (command === "repair" && rest.length === 0)
    throw new UserError("EA1102", missingReport("repair", "the stage whose tests changed rows"));
  if (takesReport && rest.length > 1) throw new UserError("EA1102", unexpected(rest[1], `${command} ${rest[0]}`));
  const words = command === "help" && !values.help ? 1 : commands[command].argument === undefined ? 0 : Number.POSITIVE_INFINITY;
  if (!values.help && rest.length > words) throw new UserError("EA1102", perhapsEnvironment(rest[words], name, command));
  const scope = (["run", "expired", "all"] as const).find((candidate) => candidate === (values.scope ?? "expired"));
  if (scope === undefined) throw new UserError("EA1104", `--scope: expected run, expired or all, got "${values.scope}"`);
  const { budget, deployment, environment, production, "pass-rate": passRate, "plan-digest": planDigest } = values;
  const foreignHead = values["foreign-head"];
  if (foreignHead !== undefined && !isCommit(foreignHead))
    throw new UserError("EA1104", `--foreign-head: expected the full SHA of a commit, got "${foreignHead}"`);
  if (values.follows !== undefined && values.follows !== "nothing")
    throw new UserError("EA1104", `--follows: expected nothing, got "${values.follows}"`);
  const execute = values.execute && command !== "plan";
  if (planDigest !== undefined && !isPlanDigest(planDigest))
    throw new UserError("EA1104", `--plan-digest: expected the 64 hexadecimal digits shown with the plan, got "${planDigest}"`);
  if (command === "repair" && execute && planDigest === undefined)
    throw new UserError(
      "EA1105",
      "repair --execute requires the digest of a plan that you have seen: run repair without --execute, read the plan, and add --plan-digest DIGEST",
    );
  if (command === "cleanup" && scope === "all" && execute && planDigest === undefined)
    throw new UserError(
      "EA1105",
      "--scope all --execute requires the digest of a plan that you have seen: run it without --execute, read the plan, and add --plan-digest DIGEST",
    );
  return {
    command,
    config: values.config,
    environment,
    production,
    budgetMs:
      budget === undefined
        ? undefined
        : understood("--budget", budget, parseTimeLimit(budget), "a duration such as 15m, above 0 and at most 24d"),
    deployment,
    follows: values.follows,
    foreignHead,
    json: values.json,
    check: values.check,
    online: values.online,
    yes: values.yes,
    overwrite: values.overwrite,
    standalone: values.standalone,
    verbose: values.verbose,
    quiet: values.quiet,
    about,
    shell: shell ?? "bash",
    names: command === "completion" && source !== undefined ? { of: source, config: rest[1] } : undefined,
    report: takesReport ? (rest[0] ?? "") : "",
    audit: audit ?? "verify",
    task: task ?? "drift",
    run: values.run,
    heads: values.head ?? [],
    attestation,
    history: command === "history" ? historyArguments(rest, values) : undefined,
    compare: command === "compare" ? compareArguments(rest, values) : undefined,
    dashboard: command === "dashboard" ? dashboardArguments(values) : undefined,
    overrides: {
      scope,
      execute,
      ...(values.command ? { command: values.command } : {}),
      ...(values.reports ? { reports: values.reports } : {}),
      ...(passRate ? { passRate: understood("--pass-rate", passRate, parsePercent(passRate), "a percentage such as 95%") } : {}),
      ...(planDigest ? { planDigest } : {}),
      ...(command === "staging" && task === "reset" ? { reset: true } : {}),
      ...(values["write-snapshot"] ? { writeSnapshot: values["write-snapshot"] } : {}),
    },
  };
}

/** @throws UserError */
function commandNamed(name: string): Command {
  const found = commandNames.find((candidate) => candidate === name);
  if (found === undefined) throw new UserError("EA1101", `unknown command "${name}"; ${suggestion(name, commandNames)}`);
  return found;
}

/** A ref is demanded: on a branch of their own, people with write access can let a workflow of the same name sign anything. */
const workflowWithRef = /^([\w.-]+\/[\w.-]+)\/\.github\/workflows\/[^/@]+\.ya?ml@refs\/(?:heads|tags)\/\S+$/;

/** @throws UserError */
function attestationOf(rest: readonly string[], values: Readonly<Record<string, unknown>>): AttestationArguments {
  const example =
    "env-actions evidence verify BUNDLE --evidence evidence.json --trusted-root trusted_root.jsonl --signer-workflow OWNER/NAME/.github/workflows/deploy.yml@refs/heads/main";
  const [word, bundle, extra] = rest;
  if (word !== "verify" || bundle === undefined)
    throw new UserError("EA1102", `expected "evidence verify" and a bundle, such as: ${example}`);
  if (extra !== undefined) throw new UserError("EA1102", unexpected(extra, `evidence verify ${bundle}`));
  const given = (name: string): string => {
    const value = values[name];
    if (typeof value === "string" && value !== "") return value;
    throw new UserError("EA1105", `evidence verify requires --${name}, such as: ${example}`);
  };
  const signerWorkflow = given("signer-workflow");
  const [, owner] = workflowWithRef.exec(signerWorkflow) ?? [];
  if (owner === undefined)
    throw new UserError(
      "EA1104",
      `--signer-workflow: expected a workflow with its ref, such as owner/name/.github/workflows/deploy.yml@refs/heads/main, got "${signerWorkflow}"`,
    );
  const { repository = owner, commit } = values;
  if (typeof repository !== "string" || !/^[\w.-]+\/[\w.-]+$/.test(repository))
    throw new UserError("EA1104", `--repository: expected owner/name, got "${String(repository)}"`);
  if (commit !== undefined && (typeof commit !== "string" || !isCommit(commit)))
    throw new UserError("EA1104", `--commit: expected the full SHA of a commit, got "${String(commit)}"`);
  const age = values["max-age"];
  const maxAgeMs =
    typeof age === "string" ? understood("--max-age", age, parseTimeLimit(age), "a duration such as 4h, above 0") : undefined;
  return {
    bundle,
    evidence: given("evidence"),
    trustedRoot: given("trusted-root"),
    signerWorkflow,
    repository,
    commit,
    maxAgeMs,
  };
}

function wrongAuditCommand([word, extra]: readonly string[]): string {
  const known = auditCommands.find((candidate) => candidate === word);
  if (known !== undefined) return unexpected(extra, `audit ${known}`);
  return word === undefined
    ? 'expected "audit verify" or "audit report", got "audit"'
    : `expected "audit verify" or "audit report", got "audit ${word}"; ${suggestion(word, auditCommands)}`;
}

/** Options that only some of the tasks use. */
const tasksWith: Readonly<Record<"execute" | "plan-digest" | "write-snapshot", readonly StagingCommand[]>> = {
  execute: ["sync", "refresh", "seed", "reset", "sweep"],
  "plan-digest": ["sync"],
  "write-snapshot": ["drift"],
};

/** @throws UserError if there is no such task, or it would ignore an option */
function refuseTask(
  task: StagingCommand | undefined,
  [word, extra]: readonly string[],
  values: Readonly<Record<string, unknown>>,
): void {
  if (task === undefined) {
    const known = stagingCommands.find((candidate) => candidate === word);
    if (known !== undefined) throw new UserError("EA1102", unexpected(extra, `staging ${known}`));
    throw new UserError(
      "EA1102",
      `staging: expected one of ${stagingCommands.join(", ")}, got ${word === undefined ? "none" : `"${word}"; ${suggestion(word, stagingCommands)}`}`,
    );
  }
  for (const [option, takers] of Object.entries(tasksWith))
    if (values[option] && !takers.includes(task))
      throw new UserError(
        "EA1103",
        `--${option} is an option of staging ${takers.join(", ")}, not of "staging ${task}": remove it`,
      );
}

function missingReport(command: Command, of: string): string {
  const stage = command === "repair" ? "integration" : "cleanup";
  return `expected the report of ${of} after "${command}", such as: env-actions ${command} .env-actions/reports/${stage}.json`;
}

function unexpected(argument: string | undefined, after: string): string {
  return `unexpected argument "${argument}" after "${after}": remove it`;
}

/** An environment has no place of its own after a command. */
function perhapsEnvironment(argument: string | undefined, name: string, command: Command): string {
  const isCommand = commandNames.some((one) => one === argument);
  const hint =
    isCommand || !commands[command].takes.includes("environment") ? "" : `, or write -e ${argument} if it is the environment`;
  return `${unexpected(argument, name)}${hint}`;
}

function parse(argv: readonly string[]) {
  refuseUnknown(argv);
  try {
    return parseArgs({ args: [...argv], options, allowPositionals: true, tokens: true });
  } catch (error) {
    throw new UserError("EA1103", errorText(error), { cause: error });
  }
}

/** @throws UserError for an option that does not exist, or whose value is missing; Node's own messages name no cure */
function refuseUnknown(argv: readonly string[]): void {
  const { tokens } = parseArgs({ args: [...argv], options, allowPositionals: true, tokens: true, strict: false });
  const first = tokens.find((token) => token.kind === "positional")?.value;
  const command = commandNames.find((candidate) => candidate === first);
  for (const token of tokens) {
    if (token.kind !== "option") continue;
    const { name, rawName, value, inlineValue } = token;
    const option = optionNames.some((one) => one === name) ? options[name as Option] : undefined;
    if (!option) throw new UserError("EA1103", unknownOption(rawName, command));
    if (option.type === "string" && (value === undefined || (!inlineValue && value.startsWith("-"))))
      throw new UserError("EA1103", `${rawName} needs a value: expected ${rawName} VALUE`);
    if (option.type === "boolean" && inlineValue) throw new UserError("EA1103", `${rawName} takes no value`);
  }
}

/** Inputs of the actions for which the command line has no option. */
export const inputsWithoutOption: ReadonlySet<string> = new Set(
  "fail-on github-token dry-run needs stages allow-skips fork-environment comment statuses job deployment-environment approval-token approve-as run-id on-failure wait matrix task working-directory".split(
    " ",
  ),
);

function unknownOption(written: string, command: Command | undefined): string {
  const own: readonly Option[] = command === undefined ? optionNames : commands[command].takes;
  const meant = [own, optionNames].flatMap((names) => likely(written, names) ?? [])[0];
  const help = `\`${["env-actions help", command].filter(Boolean).join(" ")}\` lists ${command ? "its" : "the commands and their"} options`;
  if (inputsWithoutOption.has(written.replace(/^--/, "")))
    return `unknown option ${written}${command ? ` of "${command}"` : ""}: in a workflow it is an input of the action, and the command line has none; ${help}`;
  return `unknown option ${written}${command ? ` of "${command}"` : ""}; ${meant === undefined ? "" : `did you mean "${meant}"? `}${help}`;
}

/** The one that it begins, such as --env, or is spelled like. */
function likely(written: string, names: readonly Option[]): string | undefined {
  const known = names.map((one) => `--${one}`);
  const begun = written.length > "--".length ? known.filter((one) => one.startsWith(written)) : [];
  return begun.length === 1 ? begun[0] : nearest(written, known);
}

function understood(flag: string, text: string, value: number | undefined, expected: string): number {
  if (value === undefined) throw new UserError("EA1104", `${flag}: expected ${expected}, got "${text}"`);
  return value;
}
