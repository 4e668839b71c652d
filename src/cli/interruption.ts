import { Remaining } from "../app/progress.ts";
import { errorText } from "../lib/error-text.ts";
import type { AuditEvent } from "../model/audit-event.ts";
import type { Progress, StageName } from "../model/report.ts";

/** On exit, we must not wait long for a log that another process has locked. */
const auditWithinMs = 1_000;

export interface Interruption {
  signal: AbortSignal;
  /** Pass all progress here: on the second signal, it is used to say what remains. */
  watch(progress: Progress): void;
  /** Pass the function that writes to the audit log as soon as there is one. */
  auditTo(write: (note: AuditEvent) => Promise<void>): void;
  dispose(): void;
}

/**
 * The first Ctrl-C stops the stage and lets it clean up. The second exits at once, after saying what remains and how to delete
 * it.
 * @param howToDelete a sentence with the command that deletes what the stage left behind
 */
export function interruption(say: (text: string) => void, howToDelete: (stage: StageName) => string): Interruption {
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
