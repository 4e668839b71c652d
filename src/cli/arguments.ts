import { parseArgs } from "node:util";
import { parsePercent, parseTimeLimit } from "../config/values.ts";
import { errorText } from "../lib/error-text.ts";
import { suggestion } from "../lib/nearest.ts";
import { isCommit, isPlanDigest, type StageName, stageNames } from "../model/report.ts";
import { UserError } from "../model/user-error.ts";
import type { Overrides } from "../stages/context.ts";

export type Command = StageName | "gate" | "plan" | "undo" | "repair" | "tables" | "audit" | "init" | "help" | "version";

const commands: readonly Command[] = [
  ...stageNames,
  "gate",
  "plan",
  "undo",
  "repair",
  "tables",
  "audit",
  "init",
  "help",
  "version",
];

export type AuditCommand = "verify" | "report";

const auditCommands: readonly AuditCommand[] = ["verify", "report"];

export interface Arguments {
  command: Command;
  config: string;
  environment: string | undefined;
  /** The environment that `gate` runs smoke in. */
  production: string | undefined;
  budgetMs: number | undefined;
  deployment: string | undefined;
  /** On a runner: the reviewed commit of another repository that is allowed to run. */
  foreignHead: string | undefined;
  json: boolean;
  /** `tables`: whether differences fail the command. */
  check: boolean;
  verbose: boolean;
  /** The subcommand of `audit`. */
  audit: AuditCommand;
  /** `audit report`: the run to report on. */
  run: string | undefined;
  /** `audit`: heads of the log that were stored elsewhere. */
  heads: string[];
  overrides: Overrides;
  /** `undo`, `repair`: the report of the stage to undo or repair. */
  report: string;
}

export const defaultConfig = ".github/env-actions.yml";

const options = {
  config: { type: "string", short: "c", default: defaultConfig },
  environment: { type: "string", short: "e" },
  production: { type: "string" },
  budget: { type: "string" },
  command: { type: "string" },
  reports: { type: "string", multiple: true },
  "pass-rate": { type: "string" },
  deployment: { type: "string" },
  "foreign-head": { type: "string" },
  scope: { type: "string" },
  execute: { type: "boolean", default: false },
  "plan-digest": { type: "string" },
  run: { type: "string" },
  head: { type: "string", multiple: true },
  json: { type: "boolean", default: false },
  check: { type: "boolean", default: false },
  verbose: { type: "boolean", short: "v", default: false },
  help: { type: "boolean", short: "h", default: false },
  version: { type: "boolean", default: false },
} as const;

export const usage = `env-actions <command> [options]

  preflight        check whether the environment is ready for tests
  integration      run the integration tests, and delete the data they created
  e2e              run the browser tests, and delete the data they created
  smoke            check a deployed environment; if it is read-only, clients send only reads
  cleanup          show test data; with --execute, delete it and verify that it is gone
  plan             same as cleanup without --execute
  undo REPORT      show what a cleanup deleted and can be restored; with --execute, restore it
  repair REPORT    show real rows that a test changed, and their old values; with --execute, restore the old values
  gate             run all stages in order
  tables           propose testData.tables from the warehouse's columns, and show differences from the configuration
  audit verify     check that every line of the audit log still follows from the line before it
  audit report     show from the audit log what was created, deleted and left, when and by whom
  init             write a commented configuration and a workflow

  -c, --config FILE         configuration file (default: .github/env-actions.yml)
  -e, --environment NAME    environment (default: defaultEnvironment in the configuration, or the only one)
      --production NAME     gate: environment that smoke checks
      --budget 15m          time limit, instead of the configured budget; undo, repair: instead of 30m
      --command CMD         integration, e2e: test command, instead of the configured one
      --reports GLOB        integration, e2e: reports, instead of the configured ones; can be repeated
      --pass-rate 95%       integration, e2e: pass rate, instead of the configured one
      --deployment ID       smoke: deployment that smoke follows
      --foreign-head SHA    on a runner: reviewed commit from another repository that may run (docs/trust.md)
      --scope SCOPE         cleanup, plan: run, expired (default) or all
      --execute             cleanup: delete; undo, repair: restore
      --plan-digest DIGEST  cleanup, repair: digest that was shown; required for --scope all and for repair --execute
      --run ID              audit report: only this run
      --head N:HASH         audit: head that was kept elsewhere (the output audit-head); can be repeated
      --json                write the report (tables: the proposal) to standard output, progress to standard error
      --check               tables: fail if the configuration and the warehouse differ
  -v, --verbose             show also what passed, each step, and every line of servers and tests

Exit status: 0 passed or degraded, 1 failed, 2 usage or configuration error, 3 error: checks could not run.
`;

type Option = keyof typeof options;

const everywhere: readonly Option[] = ["config", "environment", "json", "verbose", "help", "version", "foreign-head"];
const tested: readonly Option[] = ["budget", "command", "reports", "pass-rate"];

/**
 * The options of each command, besides the common ones. An ignored option may have been meant as a safeguard, so others are
 * rejected.
 */
const taken: Record<Command, readonly Option[]> = {
  preflight: ["budget"],
  integration: tested,
  e2e: tested,
  smoke: ["budget", "deployment"],
  cleanup: ["budget", "scope", "execute", "plan-digest"],
  plan: ["budget", "scope"],
  gate: ["production", "deployment", ...tested],
  undo: ["budget", "execute"],
  repair: ["budget", "execute", "plan-digest"],
  tables: ["budget", "check"],
  audit: ["run", "head"],
  init: [],
  help: [],
  version: [],
};

/** @throws UserError if the command would ignore an option */
function refuseIgnored(command: Command, given: Iterable<string>): void {
  if (command === "help" || command === "version") return;
  for (const option of given) {
    if (everywhere.some((one) => one === option) || taken[command].some((one) => one === option)) continue;
    const takers = (Object.keys(taken) as Command[]).filter((one) => taken[one].some((name) => name === option));
    throw new UserError("EA1103", `--${option} is an option of ${takers.join(", ")}, not of "${command}": remove it`);
  }
}

/** @throws UserError that names the mistake and the correct usage */
export function readArguments(argv: readonly string[]): Arguments {
  const { values, positionals, tokens } = parse(argv);
  const [name = "help", ...rest] = positionals;
  const command = values.help ? "help" : values.version ? "version" : commands.find((candidate) => candidate === name);
  if (command === undefined) throw new UserError("EA1101", `unknown command "${name}"; ${suggestion(name, commands)}`);
  refuseIgnored(
    command,
    tokens.flatMap((token) => (token.kind === "option" ? [token.name] : [])),
  );
  const audit = auditCommands.find((candidate) => candidate === rest.join(" "));
  if (command === "audit" && audit === undefined) throw new UserError("EA1102", wrongAuditCommand(rest));
  const takesReport = command === "undo" || command === "repair";
  if (command === "undo" && rest.length === 0) throw new UserError("EA1102", missingReport("undo", "the cleanup to undo"));
  if (command === "repair" && rest.length === 0)
    throw new UserError("EA1102", missingReport("repair", "the stage whose tests changed rows"));
  if (takesReport && rest.length > 1) throw new UserError("EA1102", unexpected(rest[1], `${command} ${rest[0]}`));
  if (command !== "audit" && !takesReport && rest.length > 0) throw new UserError("EA1102", unexpected(rest[0], name));
  const scope = (["run", "expired", "all"] as const).find((candidate) => candidate === (values.scope ?? "expired"));
  if (scope === undefined) throw new UserError("EA1104", `--scope: expected run, expired or all, got "${values.scope}"`);
  const { budget, deployment, environment, production, "pass-rate": passRate, "plan-digest": planDigest } = values;
  const foreignHead = values["foreign-head"];
  if (foreignHead !== undefined && !isCommit(foreignHead))
    throw new UserError("EA1104", `--foreign-head: expected the full SHA of a commit, got "${foreignHead}"`);
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
    foreignHead,
    json: values.json,
    check: values.check,
    verbose: values.verbose,
    report: takesReport ? (rest[0] ?? "") : "",
    audit: audit ?? "verify",
    run: values.run,
    heads: values.head ?? [],
    overrides: {
      scope,
      execute,
      ...(values.command ? { command: values.command } : {}),
      ...(values.reports ? { reports: values.reports } : {}),
      ...(passRate ? { passRate: understood("--pass-rate", passRate, parsePercent(passRate), "a percentage such as 95%") } : {}),
      ...(planDigest ? { planDigest } : {}),
    },
  };
}

function wrongAuditCommand([word, extra]: readonly string[]): string {
  const known = auditCommands.find((candidate) => candidate === word);
  if (known !== undefined) return unexpected(extra, `audit ${known}`);
  return word === undefined
    ? 'expected "audit verify" or "audit report", got "audit"'
    : `expected "audit verify" or "audit report", got "audit ${word}"; ${suggestion(word, auditCommands)}`;
}

function missingReport(command: Command, of: string): string {
  const stage = command === "repair" ? "integration" : "cleanup";
  return `expected the report of ${of} after "${command}", such as: env-actions ${command} .env-actions/reports/${stage}.json`;
}

function unexpected(argument: string | undefined, after: string): string {
  return `unexpected argument "${argument}" after "${after}": remove it`;
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
  const names = Object.keys(options);
  for (const token of tokens) {
    if (token.kind !== "option") continue;
    const { name, rawName, value, inlineValue } = token;
    const option = names.includes(name) ? options[name as keyof typeof options] : undefined;
    if (!option) {
      const known = names.map((one) => `--${one}`);
      throw new UserError("EA1103", `unknown option ${rawName}; ${suggestion(rawName, known)}`);
    }
    if (option.type === "string" && (value === undefined || (!inlineValue && value.startsWith("-"))))
      throw new UserError("EA1103", `${rawName} needs a value: expected ${rawName} VALUE`);
    if (option.type === "boolean" && inlineValue) throw new UserError("EA1103", `${rawName} takes no value`);
  }
}

function understood(flag: string, text: string, value: number | undefined, expected: string): number {
  if (value === undefined) throw new UserError("EA1104", `${flag}: expected ${expected}, got "${text}"`);
  return value;
}
