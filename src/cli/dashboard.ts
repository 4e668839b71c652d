import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { makeDashboard, usualStaleAfterMs } from "../app/dashboard.ts";
import { newestIn } from "../dashboard/page.ts";
import { span } from "../dashboard/view/times.ts";
import { count } from "../lib/count.ts";
import { errorText } from "../lib/error-text.ts";
import { recordsDirectory } from "../lib/plain-file.ts";
import { UserError } from "../model/user-error.ts";
import { printedJson } from "../report/inert.ts";
import { bytes } from "../report/words.ts";
import type { Arguments } from "./arguments.ts";
import { openHistory } from "./history.ts";
import type { GuardedTerminal } from "./main.ts";
import { Screen } from "./screen.ts";

/** Writes the history as a page. */

const shownUnreadable = 10;

/**
 * @returns the exit status
 * @throws UserError
 */
export async function dashboard(args: Arguments, world: GuardedTerminal): Promise<number> {
  const { dashboard: asked } = args;
  if (!asked) throw new Error("dashboard without arguments");
  const { store, keep } = await openHistory(args, world);
  const now = Date.now();
  const { staleAfterMs = usualStaleAfterMs } = asked;
  const made = await makeDashboard({
    ...{ store, keep, now, workspace: world.cwd, staleAfterMs },
    out: asked.out === undefined ? join(world.cwd, recordsDirectory, "dashboard.html") : resolve(world.cwd, asked.out),
    ...(asked.published === undefined ? {} : { published: await publishedPage(asked.published, world.cwd) }),
  });
  if (args.json) {
    world.stdout.write(`${printedJson(made)}\n`);
    return 0;
  }
  const screen = new Screen(world.stdout, { verbose: false });
  const { records, newest, unreadable, notCompacted, compaction } = made;
  const age = newest === undefined ? undefined : now - Date.parse(newest);
  screen.line(`  Dashboard  ${made.file} (${bytes(made.bytes)})`);
  screen.line(`  History    ${store.place}: ${count(records, "record")}`);
  if (age === undefined) screen.line(["  Newest     none: run a stage first", "yellow"]);
  else screen.line([`  Newest     ${newest}, ${span(Math.max(0, age))} old`, age <= staleAfterMs ? "gray" : "yellow"]);
  if (compaction && compaction.removed > 0)
    screen.line([`  Removed    ${count(compaction.removed, "record")} older than history.keep`, "gray"]);
  if (notCompacted !== undefined) screen.line([`  Old records could not be joined: ${notCompacted}`, "yellow"]);
  for (const { name, why } of unreadable.slice(0, shownUnreadable)) screen.line([`  Not read   ${name}: ${why}`, "red"]);
  if (unreadable.length > shownUnreadable)
    screen.line([`  and ${count(unreadable.length - shownUnreadable, "more file")}`, "red"]);
  return 0;
}

/** @throws UserError if it is no page of ours: then nothing would protect a newer one */
async function publishedPage(file: string, cwd: string): Promise<ReadonlyMap<string, string>> {
  let page: string;
  try {
    page = await readFile(resolve(cwd, file), "utf8");
  } catch (error) {
    throw new UserError("EA8122", `--published: ${file} can't be read: ${errorText(error)}`, { cause: error });
  }
  if (newestIn(page) === undefined)
    throw new UserError(
      "EA8122",
      `--published: ${file} is no dashboard with records, so it can't be compared: leave the option out for the first page`,
    );
  return new Map([[file, page]]);
}
