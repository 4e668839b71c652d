import { Remaining } from "../app/progress.ts";
import { errorText } from "../lib/error-text.ts";
import type { AuditEvent } from "../model/audit-event.ts";
import type { Progress } from "../model/report.ts";

export interface Cancellation {
  signal: AbortSignal;
  /** Pass all progress here: on the second signal, it is used to say what remains. */
  watch(progress: Progress): void;
  /** Pass the function that writes to the audit log as soon as there is one. */
  auditTo(write: (note: AuditEvent) => Promise<void>): void;
  dispose(): void;
}

/**
 * The runner cancels with SIGINT, SIGTERM after 7.5 s, and SIGKILL after another 2.5 s. SIGINT stops the stage, which then cleans
 * up. On SIGTERM the log records what remains, because SIGKILL leaves no chance; cleanup continues until then. The post step
 * still runs and does the rest.
 */
export function cancellation(say: (text: string) => void, onCancel: (signal: string) => void): Cancellation {
  const controller = new AbortController();
  const remaining = new Remaining();
  let audit: ((note: AuditEvent) => Promise<void>) | undefined;
  const cancel = (name: string) => {
    if (!controller.signal.aborted) {
      onCancel(name);
      say(`${name}: stopping what was started, and cleaning up`);
      controller.abort(new Error(`cancelled by ${name}`));
      return;
    }
    say(`${name}: the runner kills this step in a moment; cleaning up goes on until then`);
    for (const line of remaining.lines()) say(`  ${line}`);
    const { stage } = remaining;
    if (remaining.possible)
      say(
        stage === "cleanup"
          ? "  what is left then is deleted by the next cleanup of expired test data"
          : "  what is left then is deleted by the post step of this action",
      );
    audit?.(remaining.note(name)).catch((error: unknown) => say(`  ${errorText(error)}`));
  };
  process.on("SIGINT", cancel);
  process.on("SIGTERM", cancel);
  return {
    signal: controller.signal,
    watch: (progress) => remaining.watch(progress),
    auditTo(write) {
      audit = write;
    },
    dispose() {
      process.off("SIGINT", cancel);
      process.off("SIGTERM", cancel);
    },
  };
}
