import { performRepair, performUndo } from "../app/from-report.ts";
import type { RepairResult, RepairRow, RepairState } from "../cleanup/undo/repair-plan.ts";
import type { TableUndo, UndoResult } from "../cleanup/undo/restore-rows.ts";
import { count } from "../lib/count.ts";
import { touchedWords } from "../report/words.ts";
import type { Arguments } from "./arguments.ts";
import type { GuardedTerminal } from "./main.ts";
import { interruption, Screen } from "./screen.ts";

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
      budgetMs: args.budgetMs,
      env: world.env,
      secrets: world.secrets,
      cancel: interrupted.signal,
      onProgress: (progress) => screen.show(progress),
      ...(args.environment ? { environment: args.environment } : {}),
    });
    sayRestored(screen, result);
    if (args.json) world.stdout.write(`${JSON.stringify(result, undefined, 2)}\n`);
    return result.problems.length > 0 || result.tables.some((table) => table.problem !== undefined) ? 1 : 0;
  } finally {
    interrupted.dispose();
    screen.close();
  }
}

function sayRestored(screen: Screen, { dryRun, runId, environment, tables, notes, problems }: UndoResult): void {
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

/** @returns the exit status: 0 if every old value can be or was restored; 1 if one cannot, or could not be recorded */
export async function repair(args: Arguments, world: GuardedTerminal): Promise<number> {
  const screen = new Screen(args.json ? world.stderr : world.stdout, { verbose: args.verbose });
  const interrupted = interruption(
    (text) => screen.line(text),
    () => `\`env-actions repair ${args.report}\` shows what has been put back, and what has not`,
  );
  const { execute = false, planDigest } = args.overrides;
  try {
    const result = await performRepair({
      workspace: world.cwd,
      configFile: args.config,
      reportFile: args.report,
      execute,
      budgetMs: args.budgetMs,
      env: world.env,
      secrets: world.secrets,
      cancel: interrupted.signal,
      onProgress: (progress) => screen.show(progress),
      ...(planDigest === undefined ? {} : { planDigest }),
      ...(args.environment ? { environment: args.environment } : {}),
    });
    sayRepaired(screen, result);
    if (args.json) world.stdout.write(`${JSON.stringify(result, undefined, 2)}\n`);
    return result.problems.length > 0 || result.rows.some(({ problem }) => problem !== undefined) ? 1 : 0;
  } finally {
    interrupted.dispose();
    screen.close();
  }
}

function sayRepaired(screen: Screen, { dryRun, rows, digest, notes, problems }: RepairResult): void {
  for (const row of rows) {
    const { place, row: name, now, before } = touchedWords(row);
    const bad = row.problem !== undefined;
    screen.line([`    ${place}, row ${name}: ${wordsOf(row, now, before)}`, bad ? "red" : "gray"]);
  }
  for (const note of notes) screen.line(`    ${note}`);
  for (const problem of problems) screen.line([`    ${problem}`, "red"]);
  const of = (state: RepairState) => rows.filter((row) => row.state === state).length;
  const [repairable, repaired] = [of("repairable"), of("repaired")];
  if (!dryRun) {
    screen.line(
      `  ${repaired === 0 ? "nothing was written" : `${count(repaired, "old value was", "old values were")} put back`}`,
    );
    return;
  }
  screen.line(`    digest ${digest}`);
  const how = repairable > 0 ? ` with --execute --plan-digest ${digest}; nothing was written` : "";
  screen.line(`  ${count(repairable, "old value")} can be put back${how}`);
}

function wordsOf({ state, problem }: RepairRow, now: string, before: string): string {
  switch (state) {
    case "repairable":
      return `${now} → ${before}`;
    case "repaired":
      return `${before} is back, in place of ${now}`;
    case "already":
      return `${before} stands there again`;
    case "written-since":
      return "written since: left as it is";
    case "refused":
      return `not repaired: ${problem}`;
    case "failed":
      return `failed: ${problem}`;
  }
}
