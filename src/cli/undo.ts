import { performUndo } from "../app/undo-cleanup.ts";
import type { TableUndo, UndoResult } from "../cleanup/undo/restore-rows.ts";
import { count } from "../lib/count.ts";
import type { Arguments } from "./arguments.ts";
import { interruption } from "./interruption.ts";
import { Screen } from "./screen.ts";
import type { GuardedTerminal } from "./terminal.ts";

/** @returns the exit status: 0 if everything can be or was restored; 1 if something cannot, or could not be recorded */
export async function undo(args: Arguments, world: GuardedTerminal): Promise<number> {
  const screen = new Screen(args.json ? world.stderr : world.stdout, { verbose: args.verbose });
  const interrupted = interruption(
    (text) => screen.line(text),
    () => `\`env-actions undo ${args.report}\` shows what has come back, and what has not`,
  );
  try {
    const result = await performUndo({
      workspace: world.cwd,
      configFile: args.config,
      reportFile: args.report,
      execute: args.overrides.execute ?? false,
      env: world.env,
      secrets: world.secrets,
      cancel: interrupted.signal,
      onProgress: (progress) => screen.show(progress),
      ...(args.environment ? { environment: args.environment } : {}),
    });
    say(screen, result);
    if (args.json) world.stdout.write(`${JSON.stringify(result, undefined, 2)}\n`);
    return result.problems.length > 0 || result.tables.some((table) => table.problem !== undefined) ? 1 : 0;
  } finally {
    interrupted.dispose();
    screen.close();
  }
}

function say(screen: Screen, { dryRun, runId, environment, tables, notes, problems }: UndoResult): void {
  const sum = (of: (table: TableUndo) => number) => tables.reduce((before, table) => before + of(table), 0);
  for (const table of tables) {
    const shown = dryRun
      ? `${table.restorable} can come back`
      : `${table.restored ?? (table.restorable === 0 ? 0 : "unknown")} came back`;
    const present =
      table.present > 0
        ? `; ${count(table.present, "is", "are")} there again, written since, and ${table.present === 1 ? "stays as it is" : "stay as they are"}`
        : "";
    screen.line(`    ${table.table.padEnd(45)} of ${String(table.deleted).padStart(6)} deleted rows ${shown}${present}`);
    if (table.problem) screen.line([`      ${table.problem}`, "red"]);
  }
  for (const note of notes) screen.line(`    ${note}`);
  for (const problem of problems) screen.line([`    ${problem}`, "red"]);
  const [restorable, restored] = [sum((table) => table.restorable), sum((table) => table.restored ?? 0)];
  const total = dryRun
    ? `${count(restorable, "row")} can be put back${restorable > 0 ? " with --execute; nothing was written" : ""}`
    : restored === 0
      ? "nothing was put back"
      : `${count(restored, "row was", "rows were")} put back: test data of run ${runId} in ${environment} again`;
  screen.line(`  ${total}`);
}
