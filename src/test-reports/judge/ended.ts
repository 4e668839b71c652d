import type { ErrorCode } from "../../model/error-codes/catalogue.ts";
import type { CommandReport } from "../../model/report.ts";

/** How the test command ended, if that alone explains why a report is old, missing or damaged. */

/** cmd.exe says 9009 where other shells say 127. */
const notFound: ReadonlySet<number | null> = new Set([127, 9009]);
const notExecutable = 126;

/** A shell reports a signal that ended its command as 128 and the signal's number. Others of these may be a count of failures. */
const signalStatuses: ReadonlyMap<number | null, string> = new Map([
  [134, "SIGABRT"],
  [137, "SIGKILL"],
  [139, "SIGSEGV"],
  [143, "SIGTERM"],
]);

export interface BrokenOff {
  /** What happened, and what to do. */
  message: string;
  /** Whether the tests had begun, so that a damaged report of this run is theirs. */
  begun: boolean;
}

/** @returns undefined for a command that ran to its end, whatever its exit status says about the tests */
export function whyBrokenOff(commands: readonly CommandReport[]): BrokenOff | undefined {
  for (const command of commands) {
    const { exitCode } = command;
    const last = command.tail?.findLast((line) => line.trim() !== "")?.trim();
    const said = last === undefined ? "" : `. It printed: ${last}`;
    if (notFound.has(exitCode))
      return {
        message: coded(
          "EA5008",
          `the shell found no such program for \`${command.command}\`${said}. Install what the command starts in a step before, or correct the command.`,
        ),
        begun: false,
      };
    if (exitCode === notExecutable)
      return {
        message: coded(
          "EA5008",
          `the shell may not run this program: \`${command.command}\`${said}. Make the file executable (chmod +x), or start it with its interpreter.`,
        ),
        begun: false,
      };
    const signal = command.signal ?? signalStatuses.get(exitCode);
    if (signal !== undefined)
      return {
        message: coded(
          "EA5009",
          `${signal} ended \`${command.command}\` before its tests were complete${said}. ${advice(signal)}`,
        ),
        begun: true,
      };
  }
  return undefined;
}

function coded(code: ErrorCode, message: string): string {
  return `${code}: ${message}`;
}

function advice(signal: string): string {
  return signal === "SIGKILL"
    ? "Often the machine had no memory left: start fewer workers, or use a larger runner."
    : "Look at the end of its log for what sent the signal, or for a crash.";
}
