import { errorText } from "../../lib/error-text.ts";
import { inParallel } from "../../lib/in-parallel.ts";
import type { WarehouseReader } from "../../warehouse/access.ts";
import type { Row } from "../../warehouse/connection.ts";
import { WarehouseFailure } from "../../warehouse/failure.ts";
import { Binder } from "./selection.ts";

/** Concurrent statements. A small warehouse runs about ten; more would only queue. */
const statementsAtOnce = 8;
/** The limit is 256 parameters; a table adds a few. */
const mostParameters = 200;
const mostTables = 24;

export interface Answers<Item> {
  rows: { item: Item; row: Row }[];
  failed: { item: Item; why: string }[];
}

/**
 * Asks many tables the same question in few round trips, by joining their SELECTs with UNION ALL. If one fails, all are asked
 * separately, so that an unreadable table doesn't hide the others.
 * @throws WarehouseFailure if the warehouse doesn't answer at all
 * @param ask the SELECT for one item, with the same columns for all items; `undefined` if there is nothing to ask
 */
export async function queryInBatches<Item>(
  warehouse: WarehouseReader,
  items: readonly Item[],
  ask: (item: Item, binder: Binder) => { columns: string; from: string } | undefined,
): Promise<Answers<Item>> {
  const answers: Answers<Item> = { rows: [], failed: [] };
  const send = async (group: readonly Item[]): Promise<void> => {
    const binder = new Binder();
    const questions = group.flatMap((item, index) => {
      const question = ask(item, binder);
      return question ? [`SELECT ${index} AS asked, ${question.columns} FROM ${question.from}`] : [];
    });
    if (questions.length === 0) return;
    for (const row of await warehouse.query(questions.join(" UNION ALL "), binder.parameters)) {
      const item = group[Number(row.asked)];
      if (item !== undefined) answers.rows.push({ item, row });
    }
  };
  const alone = async (item: Item): Promise<void> => {
    try {
      await send([item]);
    } catch (error) {
      if (!isAboutTables(error)) throw error;
      answers.failed.push({ item, why: errorText(error) });
    }
  };
  await inParallel(statementsAtOnce, groupsOf(items, ask), async (group) => {
    if (group.length === 1) return await Promise.all(group.map(alone));
    try {
      return await send(group);
    } catch (error) {
      if (!isAboutTables(error)) throw error;
      // Asking each separately shows which one failed, and reports it.
      return await inParallel(statementsAtOnce, group, alone);
    }
  });
  return answers;
}

function isAboutTables(error: unknown): boolean {
  return error instanceof WarehouseFailure && (error.kind === "statement" || error.kind === "denied");
}

function groupsOf<Item>(items: readonly Item[], ask: (item: Item, binder: Binder) => unknown): Item[][] {
  const groups: Item[][] = [];
  let binder = new Binder();
  for (const item of items) {
    const group = groups.at(-1);
    ask(item, binder);
    if (group && group.length < mostTables && Object.keys(binder.parameters).length <= mostParameters) group.push(item);
    else {
      groups.push([item]);
      binder = new Binder();
      ask(item, binder);
    }
  }
  return groups;
}
