import { verdictMarks } from "../app/progress.ts";
import { exitStatus } from "../app/record.ts";
import type { StageAnswer, StageRequest } from "../app/run-stage.ts";
import { secretKeeper } from "../app/secret-keeper.ts";
import { errorText } from "../lib/error-text.ts";
import { NotAPlainFile } from "../lib/plain-file.ts";
import { guardedStream } from "../lib/redaction/redactor.ts";
import { secretsOfVariables } from "../lib/redaction/variables.ts";
import { CodedError, readOn, unexpectedText } from "../model/coded-error.ts";
import type { StageName } from "../model/report.ts";
import { type StagingTask, stageOfTask } from "../model/staging.ts";
import { UserError } from "../model/user-error.ts";
import { logLine } from "../report/inert.ts";
import { cleanupLines, endReason } from "../report/view/messages.ts";
import { pastLines } from "../report/view/past.ts";
import { stagingLines } from "../report/view/staging-lines.ts";
import { duration, notRun } from "../report/words.ts";
import type { SecretKeeper } from "../stages/context.ts";
import { type Arguments, readArguments } from "./arguments.ts";
import { defaultConfig } from "./commands.ts";
import type { GateEnd } from "./gate.ts";
import { interruption, type Part, Screen, verdictStyles } from "./screen.ts";

/**
 * Runs one command in the terminal.
 * @returns the exit status
 */
export async function terminal(
  argv: readonly string[],
  outside: Terminal = {
    cwd: process.cwd(),
    env: process.env,
    stdin: () => process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
  },
): Promise<number> {
  const world = guarded(outside);
  try {
    return await command(readArguments(argv), world);
  } catch (error) {
    // The message may quote reports, file names or answers that others wrote, so it is made safe to print.
    world.stderr.write(`env-actions: ${printed(error).split("\n").map(logLine).join("\n")}\n`);
    // A wrong environment is a failure, not an error: we could look, and it is wrong.
    if (error instanceof Error && error.name === "WrongTarget") return 1;
    return error instanceof UserError ? 2 : 3;
  }
}

/** Coded errors say what is wrong and what to do. For any other error, the stack helps to find the cause. */
function printed(error: unknown): string {
  if (error instanceof CodedError) return `${errorText(error)}\nRead on: ${readOn(error.codes)}`;
  if (error instanceof NotAPlainFile) return `${errorText(error)}\nRead on: ${readOn([error.code])}`;
  return unexpectedText(error);
}

/** The secrets that the current command knows, also used for uncaught errors. */
let underWay: SecretKeeper | undefined;

/** Without this, Node would print the error with any secret in it. */
export function sayUncaught(error: unknown): never {
  const { redact } = underWay ?? guessing(process.env);
  process.stderr.write(redact(`env-actions: ${unexpectedText(error)}\n`));
  process.exit(3);
}

/** Until the configuration is loaded, secrets are recognised by the names of variables. */
function guarded(outside: Terminal): GuardedTerminal {
  const secrets = guessing(outside.env);
  underWay = secrets;
  const { stdout, stderr } = outside;
  return { ...outside, secrets, stdout: guardedStream(stdout, secrets.redact), stderr: guardedStream(stderr, secrets.redact) };
}

/** The terminal belongs to the user and has no log to mask, so it is enough to redact what we print and write. */
function guessing(env: Terminal["env"]): SecretKeeper {
  const secrets = secretKeeper(() => undefined);
  secrets.guess(secretsOfVariables([env]));
  return secrets;
}

async function command(args: Arguments, world: GuardedTerminal): Promise<number> {
  if (readsConfiguration(args)) {
    const { refuseForeignHead } = await import("../evidence/foreign-head.ts");
    await refuseForeignHead({ env: world.env, workspace: world.cwd, configFile: args.config, allowed: args.foreignHead });
  }
  switch (args.command) {
    case "help":
      world.stdout.write(await helpText(args));
      return 0;
    case "completion":
      if (args.names) {
        const names = await (await import("./completion-names.ts")).completionNames(world.cwd, args.names);
        world.stdout.write(names.map((name) => `${name}\n`).join(""));
        return 0;
      }
      world.stdout.write((await import("./completion.ts")).completionScript(args.shell));
      return 0;
    case "version":
      world.stdout.write(`${(await import("../lib/version.ts")).version}\n`);
      return 0;
    case "init":
      return await (await import("./init.ts")).init(args, world);
    case "tables":
      return await (await import("./tables.ts")).tables(args, world);
    case "doctor":
      return await (await import("./doctor.ts")).doctor(args, world);
    case "audit": {
      const { auditReport, auditVerify } = await import("./audit.ts");
      const options = { heads: args.heads, key: world.env.ENV_ACTIONS_AUDIT_KEY || undefined };
      const output = { json: args.json, write: (text: string) => written(world.stdout, text) };
      const isRight =
        args.audit === "report"
          ? await auditReport(world.cwd, args.run, output, options)
          : await auditVerify(world.cwd, output, options);
      return isRight ? 0 : 1;
    }
    case "evidence":
      return await (await import("./evidence.ts")).evidenceVerify(args, world);
    case "compare":
      return await (await import("./compare.ts")).compare(args, world);
    case "history":
      return await (await import("./history.ts")).history(args, world);
    case "dashboard":
      return await (await import("./dashboard.ts")).dashboard(args, world);
    case "undo":
      return await (await import("./undo.ts")).undo(args, world);
    case "repair":
      return await (await import("./undo.ts")).repair(args, world);
    default:
      return await stages(args, world);
  }
}

async function helpText({ about }: Arguments): Promise<string> {
  const { helpOf, usage } = await import("./help.ts");
  return about === undefined ? usage() : helpOf(about);
}

/** Waits until the reader has taken it, so that a long output doesn't fill the memory. @returns false if the reader has closed its end */
async function written(stream: NodeJS.WritableStream, text: string): Promise<boolean> {
  const { promise, resolve, reject } = Promise.withResolvers<boolean>();
  stream.write(text, (error?: NodeJS.ErrnoException | null) => {
    if (!error) resolve(true);
    else if (error.code === "EPIPE") resolve(false);
    else reject(error);
  });
  return await promise;
}

/** The other commands only print, or write new files. */
function readsConfiguration({ command }: Arguments): boolean {
  return !["help", "version", "init", "audit", "evidence", "completion"].includes(command);
}

async function stages(args: Arguments, world: GuardedTerminal): Promise<number> {
  const isGate = args.command === "gate";
  const screen = new Screen(args.json ? world.stderr : world.stdout, {
    verbose: args.verbose,
    quiet: args.quiet,
    listFollows: isGate,
  });
  const interrupted = interruption(
    (text) => screen.line(text),
    (stage) => howToDelete(args, stage),
  );
  const request: Omit<StageRequest, "stage"> = {
    workspace: world.cwd,
    configFile: args.config,
    overrides: args.overrides,
    env: world.env,
    cancel: interrupted.signal,
    onProgress(progress) {
      interrupted.watch(progress);
      screen.show(progress);
    },
    onAuditLog: interrupted.auditTo,
    secrets: world.secrets,
    ...(args.environment ? { environment: args.environment } : {}),
    ...(args.budgetMs === undefined ? {} : { budgetMs: args.budgetMs }),
    ...(args.deployment ? { deployment: args.deployment } : {}),
    ...(args.follows ? { follows: args.follows } : {}),
  };
  try {
    if (args.command === "staging") {
      const { isStageTask, stagingTask } = await import("./staging.ts");
      if (!isStageTask(args.task)) return await stagingTask(args, world);
    }
    if (isGate) {
      const { gateVerdict, runGate, timeSpent } = await import("./gate.ts");
      const ends = await runGate(request, args.production);
      if (args.quiet) {
        const { verdict, text } = gateVerdict(ends);
        screen.line("  ", [`${verdictMarks[verdict]} ${text}`, verdictStyles[verdict]]);
      } else {
        const last = ends.findLast((end) => end.answer)?.answer;
        screen.line("");
        for (const end of ends) screen.line(...verdictLine(end));
        const time = timeSpent(ends);
        screen.line([
          `    Total ${duration(time.total)}: test commands ${duration(time.tests)}, waiting for servers ${duration(time.servers)}, env-actions ${duration(time.suite)}`,
          "gray",
        ]);
        if (last) sayFiles(screen, last);
      }
      if (args.json)
        world.stdout.write(
          `${JSON.stringify(
            ends.flatMap((end) => (end.answer ? [end.answer.report] : [])),
            undefined,
            2,
          )}\n`,
        );
      return exitStatus(ends.map((end) => end.answer?.report.verdict ?? "skipped"));
    }
    const { performStage } = await import("../app/run-stage.ts");
    const stage = stageOf(args);
    const answer = await performStage({ ...request, stage });
    if (stage === "cleanup" && !(args.quiet && answer.report.verdict === "passed")) sayPlan(screen, answer);
    if (!args.quiet) sayCopy(screen, answer);
    if (!args.quiet) for (const line of pastLines(answer.report)) screen.line([`    ${line}`, "gray"]);
    if (!args.quiet) sayFiles(screen, answer);
    if (args.json) world.stdout.write(answer.files.reportText);
    return exitStatus([answer.report.verdict]);
  } finally {
    interrupted.dispose();
    screen.close();
  }
}

function stageOf({ command, task }: Arguments): StageName {
  if (command === "plan") return "cleanup";
  if (command !== "staging") return command as StageName;
  return stageOfTask(task as StagingTask);
}

/** Says how to delete the test data that this stage left behind, with a command to copy. */
function howToDelete({ command, overrides, config, environment }: Arguments, stage: StageName): string {
  const scope = stage === "cleanup" && command !== "gate" ? (overrides.scope ?? "expired") : "run";
  const quoted = (text: string) => (/^[\w./@:+-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);
  const words = [
    "env-actions cleanup",
    ...(config === defaultConfig ? [] : [`--config ${quoted(config)}`]),
    ...(environment === undefined ? [] : [`--environment ${quoted(environment)}`]),
    `--scope ${scope}`,
  ].join(" ");
  // Scope `all` requires the digest of the current plan.
  return scope === "all"
    ? `\`${words}\` shows the rest, and what to add to delete it`
    : `\`${words} --execute\` deletes the rest`;
}

function verdictLine({ stage, answer, why, leftOut }: GateEnd): Part[] {
  const verdict = answer?.report.verdict ?? "skipped";
  const word = answer ? verdict : leftOut ? "left out" : notRun;
  const rest = answer
    ? `${duration(answer.report.durationMs).padStart(9)}  ${endReason(answer.report)}`
    : `${"–".padStart(9)}  ${why}`;
  return [[`  ${verdictMarks[verdict]} ${stage.padEnd(11)} ${word.padEnd(8)}`, verdictStyles[verdict]], ` ${rest}`];
}

function sayPlan(screen: Screen, { report: { cleanup } }: StageAnswer): void {
  for (const { text, tone } of cleanup ? cleanupLines(cleanup) : [])
    screen.line(tone === "bad" ? [`    ${text}`, "red"] : `    ${text}`);
}

/** Of the tasks about a copy: what differs, or what was planned or done. */
function sayCopy(screen: Screen, { report }: StageAnswer): void {
  for (const { text, tone } of stagingLines(report)) screen.line(tone === "bad" ? [`    ${text}`, "red"] : `    ${text}`);
}

/** Absolute paths, because a script may have started this in another folder than the user's. */
function sayFiles(screen: Screen, { files }: StageAnswer): void {
  screen.line("");
  for (const [name, file] of [
    ["Summary", files.summary],
    ["Audit log", files.audit],
    ["Report", files.html],
  ] as const)
    screen.line(`  ${name.padEnd(10)} ${file}`);
}

/** What the terminal provides; tests pass their own. */
export interface Terminal {
  cwd: string;
  env: Readonly<Record<string, string | undefined>>;
  /** Only `init` asks something, and only on a terminal. It is opened when it is needed: an open one may keep the process alive. */
  stdin?: () => NodeJS.ReadStream;
  stdout: NodeJS.WriteStream;
  stderr: NodeJS.WriteStream;
}

/** The terminal inside a command: both streams redact everything written to them. */
export interface GuardedTerminal extends Terminal {
  secrets: SecretKeeper;
}
