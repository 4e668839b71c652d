import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { balance } from "../../src/cleanup/books/balance.ts";
import { newestVersions } from "../../src/cleanup/books/history.ts";
import { recordStart } from "../../src/cleanup/books/start.ts";
import type { BooksRequest } from "../../src/cleanup/books/table-balance.ts";
import type { Books, CleanupResult, TableBooks } from "../../src/model/test-data.ts";
import { rowsWith } from "../harness/deletion.ts";
import { type BooksWorld, booksWorld, type Predicate, type Row, truthOf, type Who } from "./books-world.ts";
import { type Catalog, runId, startTestStores, type TestStores, table } from "./test-stores.ts";

// The promise: whatever a run and others write, in any order, the books say exactly how many rows of the run are left and how
// many real rows it touched, or say that they don't know. And they know whenever tests have principals of their own.
const cases = Number(process.env.CASES ?? (process.env.LONG ? 1_000 : 12));
const casesPerStart = 100;
const signal = new AbortController().signal;

let stores: TestStores;
let catalogs = 0;

describe.each(
  Array.from({ length: Math.ceil(cases / casesPerStart) }, (_, index) => ({
    numRuns: Math.min(casesPerStart, cases - index * casesPerStart),
  })),
)("$numRuns worlds", ({ numRuns }) => {
  beforeAll(async () => {
    stores = await startTestStores();
  });
  afterAll(() => stores.stop());

  it(
    "counts unexplained and touched rows exactly, or says that it doesn't know",
    async () => {
      await fc.assert(fc.asyncProperty(booksWorld, checkWorld), { numRuns, endOnFailure: true });
    },
    process.env.LONG ? 1_200_000 : 120_000,
  );
});

const tableName = (index: number) => `school.t${index}`;

async function checkWorld(world: BooksWorld): Promise<void> {
  const definitions = world.tables.map(({ timed }, index) => [
    tableName(index),
    {
      columns: {
        id: "string",
        title: "string",
        note: "string",
        attrs: "map<string,string>",
        ...(timed ? { created_at: "timestamp" } : {}),
      },
    },
  ]);
  const catalog = await stores.catalog(`b${catalogs++}`, Object.fromEntries(definitions));
  try {
    for (const [index, { rows }] of world.tables.entries())
      if (rows.length > 0) await insert(catalog, "production", tableName(index), rows);
    const start = await recordStart(
      { warehouse: catalog.warehouse },
      { takenAt: Date.now(), maxRead: 1_000, namespaces: [], signal },
    );
    for (const { who, table: of, action } of world.steps) {
      const name = tableName(of);
      const token = tokenOf(world, who);
      if (action.kind === "insert") await insert(catalog, token, name, action.rows);
      else {
        const { text, parameters } = conditionOf(action.where);
        if (action.kind === "delete") await catalog.as(token, `DELETE FROM ${catalog.name}.${name} WHERE ${text}`, parameters);
        else {
          const set = Object.entries(action.set).map(([column, value]) =>
            column === "attrs" ? `attrs = ${mapOf(value)}` : `${column} = ${textOf(value)}`,
          );
          await catalog.as(token, `UPDATE ${catalog.name}.${name} SET ${set.join(", ")} WHERE ${text}`, parameters);
        }
      }
    }
    const cleanup = await cleanUp(world, catalog);
    const declared = world.tables.flatMap(({ declared, timed }, index) =>
      declared
        ? [[tableName(index), table({ match: [{ column: "id", prefix: true }], ...(timed ? { time: "created_at" } : {}) })]]
        : [],
    );
    const books = await balance(
      { warehouse: catalog.warehouse },
      request({
        start,
        tables: Object.fromEntries(declared),
        principals: world.principals === "distinct" ? ["app@school.example", "runner@school.example"] : [],
        cleanup,
      }),
    );
    compare(world, books);
  } finally {
    await catalog.close();
  }
}

function request(changes: Pick<BooksRequest, "start"> & Partial<BooksRequest>): BooksRequest {
  return {
    runId,
    tables: {},
    principals: [],
    prefixes: ["integration_test_"],
    protectedTables: [],
    protectedKeys: [],
    maxRead: 1_000_000,
    exclusiveRedis: false,
    cleanup: undefined,
    ...changes,
  };
}

function tokenOf({ principals }: BooksWorld, who: Who): string {
  if (principals === "shared") return "token";
  return who === "other" ? "production" : "app";
}

function compare(world: BooksWorld, books: Books): void {
  expect(books.problems).toEqual([]);
  for (const [index, truth] of truthOf(world).entries()) {
    const told: Pick<TableBooks, "unexplained" | "touched"> = books.tables.find(
      ({ table: name }) => name === tableName(index),
    ) ?? {
      unexplained: { least: 0, most: 0 },
      touched: { least: 0, most: 0 },
    };
    const name = tableName(index);
    if (world.principals === "distinct") {
      const exactly = (number: number) => ({ least: number, most: number });
      expect({ name, unexplained: told.unexplained, touched: told.touched }).toEqual({
        name,
        unexplained: exactly(truth.unexplained),
        touched: exactly(truth.touched),
      });
    } else {
      // Nobody said who writes for the tests, so anybody's rows may be theirs. The truth is within the reported range, which is
      // no wider than that.
      for (const of of ["unexplained", "touched"] as const) {
        expect({
          name,
          of,
          ...told[of],
          ok: told[of].least <= truth[of] && truth[of] <= (told[of].most ?? Infinity),
        }).toMatchObject({ ok: true });
        expect(told[of].most ?? 0).toBeLessThanOrEqual(truth.byAnybody[of]);
      }
    }
  }
}

async function cleanUp(world: BooksWorld, catalog: Catalog): Promise<Pick<CleanupResult, "tables">> {
  const result: Pick<CleanupResult, "tables"> = { tables: [] };
  for (const [index, { declared }] of world.tables.entries()) {
    if (!declared) continue;
    const name = tableName(index);
    const ids = (await catalog.rows(name)).map((row) => row.id).filter((id): id is string => typeof id === "string");
    const values = [...new Set(ids.filter((id) => id.includes(runId) || world.alsoDeleted.includes(id)))];
    if (values.length === 0) continue;
    const rows = (await catalog.warehouse.deleteRows(rowsWith(name, "id", ...values))) ?? 0;
    const moment = (await newestVersions(catalog.warehouse, [name])).get(name);
    if (moment === undefined || moment instanceof Error) throw moment ?? new Error(`no answer about ${name}`);
    const { version } = moment;
    const deletions = [{ rows, version, selection: [{ column: "id", values }] }];
    result.tables.push({ table: name, planned: rows, deleted: rows, samples: [], statement: "", deletions });
  }
  return result;
}

async function insert(catalog: Catalog, token: string, name: string, rows: readonly Row[]): Promise<void> {
  const values = rows.map((row) => `(${textOf(row.id)}, ${textOf(row.title)}, ${textOf(row.note)}, ${mapOf(row.attrs)})`);
  await catalog.as(token, `INSERT INTO ${catalog.name}.${name} (id, title, note, attrs) VALUES ${values.join(", ")}`);
}

function textOf(value: string | null): string {
  return value === null ? "CAST(NULL AS STRING)" : `'${value}'`;
}

function mapOf(value: string | null): string {
  return value === null ? "CAST(NULL AS map<string,string>)" : `map('colour', '${value}')`;
}

function conditionOf({ column, is }: Predicate): { text: string; parameters: Record<string, string> } {
  return is === null ? { text: `${column} IS NULL`, parameters: {} } : { text: `${column} = :value`, parameters: { value: is } };
}
