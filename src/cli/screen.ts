import { styleText } from "node:util";
import { type Cancellation, checkLine, Remaining, verdictMarks } from "../app/progress.ts";
import { count } from "../lib/count.ts";
import { errorText } from "../lib/error-text.ts";
import { excerpt } from "../lib/log-excerpt.ts";
import type { AuditEvent } from "../model/audit-event.ts";
import type { Check, Progress, StageName, StageReport, Verdict } from "../model/report.ts";
import { logLine } from "../report/inert.ts";
import { endView } from "../report/view/messages.ts";
import { duration, repeatsTests } from "../report/words.ts";
import { type Styled, wrapped } from "./wrap.ts";

type Style = Parameters<typeof styleText>[0];

/** A text, with or without a style. */
export type Part = string | [text: string, style: Style];

export const verdictStyles: Record<Verdict, Style> = {
  passed: "green",
  degraded: "yellow",
  failed: "red",
  error: "magenta",
  skipped: "gray",
};

const redrawMs = 100;
const failuresShown = 10;
const tailShown = 12;

export interface ScreenOptions {
  /** Shows each check and step, and every line of servers and tests; otherwise only what did not pass. */
  verbose: boolean;
  /** Says only the verdict and what did not pass. */
  quiet?: boolean;
  /** The reason of each stage is left to the list at the end. */
  listFollows?: boolean;
}

/** Shows progress, and on a terminal a status line at the bottom. Colours appear on terminals only. */
export class Screen {
  readonly #stream: NodeJS.WriteStream;
  readonly #verbose: boolean;
  readonly #quiet: boolean;
  readonly #listFollows: boolean;
  /** The first check of the stage with each message, so that one reason is printed once. */
  readonly #reasons = new Map<string, string>();
  #moving: { stage: string; startedAt: number; budgetMs: number; doing: string; timer: NodeJS.Timeout } | undefined;

  constructor(stream: NodeJS.WriteStream, { verbose, quiet = false, listFollows = false }: ScreenOptions) {
    this.#quiet = quiet;
    this.#stream = stream;
    this.#verbose = verbose;
    this.#listFollows = listFollows;
  }

  show(progress: Progress): void {
    switch (progress.kind) {
      case "stage-started":
        this.#reasons.clear();
        if (this.#verbose || !(this.#listFollows || this.#quiet)) this.line("");
        if (this.#verbose) this.line([progress.stage, "bold"], ` in ${progress.environment}`);
        this.#move(progress.stage, progress.budgetMs);
        break;
      case "check-finished":
        this.#check(progress.check);
        break;
      case "step":
        if (this.#verbose) this.line([`  · ${progress.text}`, "gray"]);
        this.#doing(progress.text);
        break;
      case "warning":
        this.line([`  ▲ ${progress.text}`, "yellow"]);
        break;
      case "output":
        if (this.#verbose) this.line([`  │ ${progress.source}: ${progress.line}`, "gray"]);
        else this.#doing(progress.line);
        break;
      case "remaining": {
        const rows = progress.tables.reduce((sum, table) => sum + table.rows, 0);
        this.#left(rows, progress.keys);
        break;
      }
      case "table-done":
        this.#left(progress.left.rows, progress.left.keys);
        break;
      case "stage-finished":
        this.#rest();
        this.#finish(progress.report);
        break;
    }
  }

  /**
   * Prints texts, some with a style. Only our own styles may colour the output or move the cursor, so control characters are
   * removed first.
   */
  line(...parts: Part[]): void {
    this.#erase();
    const pieces = parts.map((part): Styled<Style> => {
      const [text, style] = typeof part === "string" ? [part] : part;
      return { text: logLine(text), style };
    });
    for (const line of wrapped(pieces, this.#stream.columns)) {
      const styled = line.map(({ text, style }) =>
        style === undefined ? text : styleText(style, text, { stream: this.#stream, validateStream: true }),
      );
      this.#stream.write(`${styled.join("")}\n`);
    }
    this.#draw();
  }

  close(): void {
    this.#rest();
  }

  /** What passed, and what another check explains, is only counted at the end. */
  #check(check: Check): void {
    if (this.#verbose) this.line("  ", [checkLine(check), verdictStyles[check.verdict]], [took(check.durationMs), "gray"]);
    else if (check.verdict === "passed" || check.cause !== undefined || (this.#quiet && check.verdict === "skipped"))
      this.#doing(check.title);
    // Failed tests are listed by name at the end of the stage.
    else this.line("  ", [checkLine(this.#once(check)), verdictStyles[check.verdict]]);
  }

  #once(check: Check): Check {
    if (repeatsTests(check)) return withoutMessage(check);
    const reason = check.message?.toLowerCase();
    if (reason === undefined) return check;
    const first = this.#reasons.get(reason);
    if (first !== undefined) return { ...check, message: `for the same reason as ${first}` };
    this.#reasons.set(reason, check.title);
    return check;
  }

  #finish(report: StageReport): void {
    // A gate has a verdict of its own.
    if (this.#quiet && this.#listFollows && report.verdict === "passed") return;
    const { verdict, title, time, reason, failures, excused, follows, tails, problems } = endView(report);
    const text = this.#listFollows ? time : `${time}: ${reason}`;
    this.line("  ", [`${verdictMarks[verdict]} ${title}`, verdictStyles[verdict]], text);
    for (const failure of failures.slice(0, failuresShown)) this.line(`    ✘ ${failure}`);
    if (failures.length > failuresShown)
      this.line(`    … and ${count(failures.length - failuresShown, "more failed test")}, listed in the report`);
    for (const one of excused.slice(0, failuresShown)) this.line(`    ▲ ${one}`);
    if (excused.length > failuresShown)
      this.line(`    … and ${count(excused.length - failuresShown, "more failed test")} in quarantine, listed in the report`);
    if (follows !== "") this.line([`    ${follows}`, "gray"]);
    for (const tail of tails) for (const last of excerpt(tail, tailShown)) this.line([`    │ ${last}`, "gray"]);
    for (const problem of problems) this.line(`    ${problem}`);
  }

  #move(stage: string, budgetMs: number): void {
    this.#rest();
    if (!this.#stream.isTTY || this.#quiet) return;
    const timer = setInterval(() => this.#draw(), redrawMs);
    timer.unref();
    this.#moving = { stage, startedAt: Date.now(), budgetMs, doing: "", timer };
  }

  #left(rows: number, keys: number): void {
    this.#doing(`deleting: ${count(rows, "row")} and ${count(keys, "key")} left`);
  }

  #doing(text: string): void {
    if (this.#moving) this.#moving.doing = text;
  }

  #draw(): void {
    if (!this.#moving) return;
    const { stage, startedAt, budgetMs, doing } = this.#moving;
    const text = `  … ${stage} ${duration(Date.now() - startedAt)} (budget ${duration(budgetMs)})  ${logLine(doing)}`;
    this.#stream.write(`\r\u001b[2K${text.slice(0, (this.#stream.columns ?? 80) - 1)}`);
  }

  #erase(): void {
    if (this.#moving) this.#stream.write("\r\u001b[2K");
  }

  #rest(): void {
    if (!this.#moving) return;
    clearInterval(this.#moving.timer);
    this.#erase();
    this.#moving = undefined;
  }
}

/** Without what the list of failed tests says again. */
function withoutMessage({ message: _, ...check }: Check): Check {
  return { ...check, message: check.expected === undefined ? check.verdict : "" };
}

function took(ms: number): string {
  return ms >= 1 ? `  ${duration(ms)}` : "";
}

/** On exit, we must not wait long for a log that another process has locked. */
const auditWithinMs = 1_000;

/**
 * The first Ctrl-C stops the stage and lets it clean up. The second exits at once, after saying what remains and how to delete
 * it.
 * @param howToDelete a sentence with the command that deletes what the stage left behind
 */
export function interruption(say: (text: string) => void, howToDelete: (stage: StageName) => string): Cancellation {
  const controller = new AbortController();
  const remaining = new Remaining();
  let audit: ((note: AuditEvent) => Promise<void>) | undefined;
  let leaving = false;
  const leave = async (name: NodeJS.Signals) => {
    leaving = true;
    say(`  ${name} again: exiting now`);
    for (const line of remaining.lines()) say(`    ${line}`);
    if (remaining.possible && remaining.stage) say(`    ${howToDelete(remaining.stage)}`);
    const problem = await audited(audit?.(remaining.note(name)));
    if (problem !== undefined) say(`    ${problem}`);
    process.exit(130);
  };
  const interrupt = (name: NodeJS.Signals) => {
    if (leaving) process.exit(130);
    if (controller.signal.aborted) return void leave(name);
    say(`  ${name}: stopping what was started, and deleting this run's test data (press it again to exit immediately)`);
    controller.abort(new Error(`interrupted by ${name}`));
  };
  const signals: NodeJS.Signals[] = ["SIGINT", "SIGTERM", "SIGHUP"];
  for (const name of signals) process.on(name, interrupt);
  return {
    signal: controller.signal,
    watch: (progress) => remaining.watch(progress),
    auditTo(write) {
      audit = write;
    },
    dispose() {
      for (const name of signals) process.off(name, interrupt);
    },
  };
}

/**
 * Never rejects, because nothing may prevent the exit.
 * @returns why the log has no line about this, if it has none
 */
async function audited(writing: Promise<void> | undefined): Promise<string | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<string>((resolve) => {
    timer = setTimeout(() => resolve("it could not be written to the audit log in time"), auditWithinMs);
  });
  const written = writing?.then(
    () => undefined,
    (error: unknown) => errorText(error),
  );
  const problem = await Promise.race([tooLate, written]);
  clearTimeout(timer);
  return problem;
}
