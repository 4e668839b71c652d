import { performRepair } from "../app/repair-rows.ts";
import type { RepairResult, RepairRow, RepairState } from "../cleanup/undo/repair-plan.ts";
import { count } from "../lib/count.ts";
import { touchedWords } from "../report/words.ts";
import type { Arguments } from "./arguments.ts";
import { interruption } from "./interruption.ts";
import { Screen } from "./screen.ts";
import type { GuardedTerminal } from "./terminal.ts";

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
      env: world.env,
      secrets: world.secrets,
      cancel: interrupted.signal,
      onProgress: (progress) => screen.show(progress),
      ...(planDigest === undefined ? {} : { planDigest }),
      ...(args.environment ? { environment: args.environment } : {}),
    });
    say(screen, result);
    if (args.json) world.stdout.write(`${JSON.stringify(result, undefined, 2)}\n`);
    return result.problems.length > 0 || result.rows.some(({ problem }) => problem !== undefined) ? 1 : 0;
  } finally {
    interrupted.dispose();
    screen.close();
  }
}

function say(screen: Screen, { dryRun, rows, digest, notes, problems }: RepairResult): void {
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
