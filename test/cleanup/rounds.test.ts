import { describe, expect, it, vi } from "vitest";
import { executeCleanup, prove } from "../../src/cleanup/execute/execute.ts";
import { planCleanup } from "../../src/cleanup/plan/plan-cleanup.ts";
import { chain, type Graph, portsOf, type SentStatement, tree, wide } from "./recorded-warehouse.ts";
import { requestFor } from "./test-stores.ts";

// How many statements a cleanup sends, and how many of them wait for each other. Where a statement takes 300 ms, that is its time.

interface Course {
  /** Rounds of statements: the longest chain of statements that wait for each other. */
  planning: number;
  executing: number;
  /** Statements of a kind. */
  sent: (kind: SentStatement["kind"]) => number;
  /** Tables that `onRemaining` listed, in all its calls. */
  tablesListed: number;
  tablesDone: string[];
}

async function cleanUp({ warehouse, tables, rows }: Graph): Promise<Course> {
  let tablesListed = 0;
  const tablesDone: string[] = [];
  const lefts: number[] = [];
  const ports = {
    ...portsOf(warehouse),
    onRemaining: (remaining: { tables: readonly unknown[] }) => {
      tablesListed += remaining.tables.length;
    },
    onTableDone: (table: string, left: { rows: number }) => {
      tablesDone.push(table);
      lefts.push(left.rows);
    },
  };
  const request = requestFor(tables, { scope: "expired", testData: { maxRows: 1_000_000, maxShare: 1 } });
  const proven = await prove(ports);
  const plan = await planCleanup(ports, request);
  const planning = warehouse.rounds;
  const result = await executeCleanup(proven, plan);
  expect(result).toMatchObject({ problems: [], deletedRows: rows, leftOver: 0 });
  expect(warehouse.rowsLeft).toBe(0);
  // Undo needs the version of each delete.
  expect(result.tables.filter(({ deletions }) => deletions?.length === 1)).toHaveLength(tablesDone.length);
  expect(lefts).toEqual(lefts.toSorted((a, b) => b - a));
  expect(lefts.at(-1)).toBe(0);
  const sent = (kind: SentStatement["kind"]) => warehouse.sent.filter((one) => one.kind === kind).length;
  expect(sent("other")).toBe(0);
  return { planning, executing: warehouse.rounds - planning, sent, tablesListed, tablesDone };
}

/** What a cleanup needs besides one round for each level of the graph: the catalog, and the count of what would be deleted. */
const beforeAndAfter = 2;

describe.each([
  ["with versions to ask", true],
  ["whose tables are younger than the moment that is asked about", false],
])("a chain %s", (_, hasVersions) => {
  it.each([8, 16, 32])("of %i tables takes a round for each level, and one to look again", async (depth) => {
    const graph = chain(depth);
    if (!hasVersions) for (const name of Object.keys(graph.tables)) graph.warehouse.young.add(name);
    const { planning, executing } = await cleanUp(graph);
    expect(planning).toBe(depth + beforeAndAfter);
    expect(executing).toBe(depth + 1);
  });
});

it.each([8, 16, 32])("a chain of %i tables is asked nothing twice, however deep it is", async (depth) => {
  const { sent } = await cleanUp(chain(depth));
  // One search of each level, and the one that finds nothing any more.
  expect(sent("search")).toBe(depth + Math.ceil(depth / 24));
  expect(sent("delete")).toBe(depth);
  // The first table matches by itself.
  expect(sent("version")).toBe(depth - 1);
  // After each delete, and once in case that there were no version.
  expect(sent("history")).toBe(depth + 1);
  // Beside the rounds that may be the last ones, and at the end.
  expect(sent("count")).toBeLessThanOrEqual(4 + Math.ceil(depth / 24));
});

it.each([1, 2, 3, 4])("rows in only %i tables of a deep graph need no more rounds than these", async (filled) => {
  const { planning, executing } = await cleanUp(chain(32, filled));
  expect(planning).toBe(filled + beforeAndAfter);
  expect(executing).toBe(filled + 1);
});

it("rows that end deep in a graph need one round more, which the graph's depth still allows", async () => {
  const { planning } = await cleanUp(chain(32, 20));
  expect(planning).toBe(20 + 1 + beforeAndAfter);
});

describe("480 tables", () => {
  /** A statement asks 24 tables, and 8 are sent at once; 48 deletes are. */
  const statements = Math.ceil(480 / 24);
  const roundsToAsk = Math.ceil(statements / 8);
  const roundsToDelete = Math.ceil(480 / 48);

  it("of depth two need few rounds and statements", async () => {
    const { planning, executing, sent } = await cleanUp(wide(480));
    // Both levels are asked, and the ages of the rows: of 24 tables each on its own, to see whether they have versions.
    expect(planning).toBeLessThanOrEqual(1 + 2 * roundsToAsk + (1 + roundsToAsk));
    expect(executing).toBeLessThanOrEqual(roundsToDelete + 1 + roundsToAsk);
    expect(sent("search")).toBeLessThanOrEqual(3 * statements + 2);
    expect(sent("count")).toBeLessThanOrEqual(statements + 1);
    expect(sent("version")).toBeLessThanOrEqual(24 + statements);
    expect(sent("history")).toBeLessThanOrEqual(24 + Math.ceil(480 / 12) + roundsToDelete);
    expect(sent("delete")).toBe(480);
  });

  it("in a tree need a round more for each level, and no more statements", async () => {
    const depth = 6;
    const { planning, executing, sent } = await cleanUp(tree(480));
    expect(planning).toBeLessThanOrEqual(1 + (depth - 2) + 2 * roundsToAsk + (1 + roundsToAsk));
    expect(executing).toBeLessThanOrEqual(depth + roundsToDelete + roundsToAsk);
    expect(sent("search")).toBeLessThanOrEqual(3 * statements + depth);
    expect(sent("version")).toBeLessThanOrEqual(24 + statements + depth);
    expect(sent("delete")).toBe(480);
  });

  it("are listed as remaining once, and then only what changes", async () => {
    const { tablesListed, tablesDone } = await cleanUp(wide(480));
    expect(tablesListed).toBe(480);
    expect(new Set(tablesDone).size).toBe(480);
  });
});

describe.each([
  ["alone", 2],
  ["together with others", 60],
])("an age that is asked %s", (_, count) => {
  const last = `s.t${count - 1}`;

  it("keeps a row that is older than what it depends on", async () => {
    const { warehouse, tables, rows } = wide(count);
    warehouse.older.set(last, [`k${count - 1}-1`]);
    const plan = await planCleanup(portsOf(warehouse), requestFor(tables, { scope: "expired", testData: { maxShare: 1 } }));
    expect(plan.rows?.touched).toMatchObject([{ table: last, key: { value: `k${count - 1}-1` }, column: "parent_id" }]);
    // The row that it was pointed at is kept as well.
    expect(plan.rows?.rows).toBe(rows - 2);
  });

  it("is known from the other tables' versions if one table has none", async () => {
    const graph = wide(count);
    graph.warehouse.young.add(last);
    const { sent } = await cleanUp(graph);
    const alone = Math.min(count - 1, 24);
    // The joint statement of the table fails, so each of its tables is asked alone.
    const others = count - 1 - alone;
    expect(sent("version")).toBe(others === 0 ? alone : alone + Math.ceil(others / 24) + (others % 24));
  });
});

it("a version is read soon after its delete, while others of the same batch still run", async () => {
  const graph = wide(3);
  const { warehouse } = graph;
  const { deleteRows } = warehouse;
  const isRead = () => warehouse.sent.some(({ kind, sql }) => kind === "history" && /`t1` LIMIT 20$/.test(sql));
  warehouse.deleteRows = async (deletion) => {
    if (deletion.table === "s.t2") await vi.waitFor(() => expect(isRead()).toBe(true), { timeout: 10_000 });
    return await deleteRows(deletion);
  };
  await cleanUp(graph);
});
