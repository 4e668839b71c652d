import { parseArgs } from "node:util";
import { parseDuration, parsePercent } from "../config/units.ts";
import { errorText } from "../lib/error-text.ts";
import { suggestion } from "../lib/nearest.ts";
import { isCommit, isPlanDigest, type StageName, stageNames, UserError } from "../model.ts";
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
  /** The environment that `gate` smokes. */
  production: string | undefined;
  budgetMs: number | undefined;
  deployment: string | undefined;
  /** On a runner: the reviewed commit of another repository that may run. */
  foreignHead: string | undefined;
  json: boolean;
  /** `tables`: whether a difference is a failure. */
  check: boolean;
  verbose: boolean;
  /** After `audit`. */
  audit: AuditCommand;
  /** `audit report`: the one run that is asked for. */
  run: string | undefined;
  /** `audit`: heads of the log that were kept elsewhere. */
  heads: string[];
  overrides: Overrides;
  /** `undo`, `repair`: the report of what is taken back. */
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

  preflight        is the environment really there?
  integration      run the integration tests, and delete what they made
  e2e              run the tests in browsers, and delete what they made
  smoke            look at a deployed environment, strictly reading
  cleanup          show test data; with --execute delete it and prove it gone
  plan             the same as cleanup without --execute
  undo REPORT      show what of a cleanup could be put back; with --execute put it back
  repair REPORT    show which real rows a test changed, and what stood there before; with --execute put it back
  gate             all of them in their order
  tables           propose testData.tables from the warehouse's columns, and say what differs from the present
  audit verify     does every line of the audit log still follow from the one before?
  audit report     what was made, deleted and left, when and by whom, as the audit log has it
  init             write a commented configuration and a workflow

  -c, --config FILE         default .github/env-actions.yml
  -e, --environment NAME    default: defaultEnvironment of the configuration
      --production NAME     gate: the environment that smoke looks at
      --budget 15m          in place of the configured budget
      --command CMD         integration, e2e: in place of the configured command
      --reports GLOB        integration, e2e: in place of the configured reports; may be given again
      --pass-rate 95%       integration, e2e
      --deployment ID       smoke: the deployment that it follows
      --foreign-head SHA    on a runner: the reviewed commit of another repository that may run (docs/trust.md)
      --scope SCOPE         cleanup, plan: run, expired (default) or all
      --execute             cleanup: delete; undo, repair: put back
      --plan-digest DIGEST  cleanup, repair: the digest that was shown; needed for --scope all, and for repair --execute
      --run ID              audit report: that run alone
      --head N:HASH         audit: a head that was kept elsewhere (the output audit-head); may be given again
      --json                the report (tables: the proposal) on standard output, progress on standard error
      --check               tables: fail where the declaration and the warehouse differ
  -v, --verbose             every line of servers and tests

Exit status: 0 passed or degraded, 1 failed, 2 your mistake, 3 could not look.
`;

type Option = keyof typeof options;

const everywhere: readonly Option[] = ["config", "environment", "json", "verbose", "help", "version", "foreign-head"];
const tested: readonly Option[] = ["budget", "command", "reports", "pass-rate"];

/** What each command takes beside the options of every command: one that would be ignored may have been meant to protect something. */
const taken: Record<Command, readonly Option[]> = {
  preflight: ["budget"],
  integration: tested,
  e2e: tested,
  smoke: ["budget", "deployment"],
  cleanup: ["budget", "scope", "execute", "plan-digest"],
  plan: ["budget", "scope"],
  gate: ["production", "deployment", ...tested],
  undo: ["execute"],
  repair: ["execute", "plan-digest"],
  tables: ["budget", "check"],
  audit: ["run", "head"],
  init: [],
  help: [],
  version: [],
};

/** @throws UserError for an option that the command would ignore */
function refuseIgnored(command: Command, given: Iterable<string>): void {
  if (command === "help" || command === "version") return;
  for (const option of given) {
    if (everywhere.some((one) => one === option) || taken[command].some((one) => one === option)) continue;
    const takers = (Object.keys(taken) as Command[]).filter((one) => taken[one].some((name) => name === option));
    throw new UserError(`--${option} is not for "${command}", only for ${takers.join(", ")}: leave it out`);
  }
}

/** @throws UserError that names what is wrong and what is right. */
export function readArguments(argv: readonly string[]): Arguments {
  const { values, positionals, tokens } = parse(argv);
  const [name = "help", ...rest] = positionals;
  const command = values.help ? "help" : values.version ? "version" : commands.find((candidate) => candidate === name);
  if (command === undefined) throw new UserError(`there is no command "${name}"; ${suggestion(name, commands)}`);
  refuseIgnored(
    command,
    tokens.flatMap((token) => (token.kind === "option" ? [token.name] : [])),
  );
  const audit = auditCommands.find((candidate) => candidate === rest.join(" "));
  if (command === "audit" && audit === undefined) throw new UserError('after "audit" comes "verify" or "report"');
  const takesReport = command === "undo" || command === "repair";
  if (command === "undo" && rest.length === 0)
    throw new UserError('after "undo" comes the report of what is undone, such as .env-actions/reports/cleanup.json');
  if (command === "repair" && rest.length === 0)
    throw new UserError('after "repair" comes the report that names the changed rows, such as .env-actions/reports/cleanup.json');
  if (takesReport && rest.length > 1) throw new UserError(`"${rest[1]}" is one word too many after "${command} ${rest[0]}"`);
  if (command !== "audit" && !takesReport && rest.length > 0)
    throw new UserError(`"${rest[0]}" is one word too many after "${name}"`);
  const scope = (["run", "expired", "all"] as const).find((candidate) => candidate === (values.scope ?? "expired"));
  if (scope === undefined) throw new UserError(`--scope is "${values.scope}", but must be run, expired or all`);
  const { budget, deployment, environment, production, "pass-rate": passRate, "plan-digest": planDigest } = values;
  const foreignHead = values["foreign-head"];
  if (foreignHead !== undefined && !isCommit(foreignHead))
    throw new UserError(`--foreign-head is "${foreignHead}", but must be the full SHA of a commit`);
  const execute = values.execute && command !== "plan";
  if (planDigest !== undefined && !isPlanDigest(planDigest))
    throw new UserError(`--plan-digest is "${planDigest}", but must be the 64 hexadecimal digits that the plan was shown with`);
  if (command === "repair" && execute && planDigest === undefined)
    throw new UserError(
      "repair writes only with the digest of the plan that was shown: run it without --execute, look at it, and add --plan-digest DIGEST",
    );
  if (command === "cleanup" && scope === "all" && execute && planDigest === undefined)
    throw new UserError(
      "--scope all is deleted only with the digest of the plan that was shown: run it without --execute, look at it, and add --plan-digest DIGEST",
    );
  return {
    command,
    config: values.config,
    environment,
    production,
    budgetMs: budget === undefined ? undefined : understood("--budget", budget, parseDuration(budget), "a duration such as 15m"),
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

function parse(argv: readonly string[]) {
  try {
    return parseArgs({ args: [...argv], options, allowPositionals: true, tokens: true });
  } catch (error) {
    throw new UserError(errorText(error));
  }
}

function understood(flag: string, text: string, value: number | undefined, expected: string): number {
  if (value === undefined) throw new UserError(`${flag} is "${text}", but must be ${expected}`);
  return value;
}
