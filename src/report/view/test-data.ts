import { amountText, count, numberText } from "../../lib/count.ts";
import type { Amount, Books, CleanupResult, Isolation, TableBooks, TableCleanup } from "../../model/test-data.ts";
import { deletedKeys, keyTtl, known, statementText, touchedRest, touchedTitle, touchedWords, versionSpan } from "../words.ts";
import { testDataChart } from "./flow.ts";
import { isolationBlocks } from "./isolation.ts";
import type { Block, Column, Inline, Line, Row, Section } from "./shapes.ts";

const scopeWords: Record<CleanupResult["scope"], string> = {
  run: "test data of this run",
  expired: "expired test data of earlier runs",
  all: "all test data",
};

/** What a cleanup planned and did. */
export function cleanupSection(cleanup: CleanupResult | undefined, books?: Books): Section | undefined {
  if (!cleanup) return undefined;
  const { problems, notes, tables, dryRun, leftOver, touched = [] } = cleanup;
  const quiet = problems.length + touched.length === 0 && (dryRun || leftOver === 0);
  const chart = testDataChart(cleanup, books);
  return {
    what: "test data",
    title: "Test data",
    ...(chart ? { chart } : {}),
    brief: cleanupBrief(cleanup),
    ...(quiet ? { quiet } : {}),
    blocks: [
      { kind: "text", line: summary(cleanup) },
      ...(problems.length > 0 ? [{ kind: "list", tone: "bad", items: problems, loses: "problem" } as const] : []),
      ...changedRows(cleanup),
      ...byTable(cleanup),
      ...timeToLive(cleanup),
      ...(notes.length > 0 ? [{ kind: "list", tone: "info", items: notes, loses: "note" } as const] : []),
      ...statements(tables),
      { kind: "text", line: ["Digest of the plan: ", { code: cleanup.digest }] },
    ],
  };
}

/** `75 rows and 239 keys deleted, 0 left`. */
export function cleanupBrief(cleanup: CleanupResult): string {
  // Nothing deleted and nothing left would say that somebody looked.
  if (cleanup.looked?.tables === 0 && !cleanup.looked.redis) return "no test data was looked for";
  if (cleanup.dryRun) return `${count(cleanup.plannedRows, "row")} and ${count(cleanup.keys.planned, "key")} would be deleted`;
  return `${count(cleanup.deletedRows, "row")} and ${deletedKeys(cleanup)} deleted, ${known(cleanup.leftOver)} left`;
}

function summary(cleanup: CleanupResult): Line {
  if (cleanup.looked?.tables === 0 && !cleanup.looked.redis) return [`${cleanupBrief(cleanup).replace(/^n/, "N")}.`];
  const scope = `Scope ${cleanup.scope} (${cleanup.scope === "run" && cleanup.runs ? "test data of other runs" : scopeWords[cleanup.scope]}): `;
  const planned = `${count(cleanup.plannedRows, "row")} and ${count(cleanup.keys.planned, "key")}`;
  if (cleanup.dryRun) return [{ strong: "Dry run" }, `. ${scope}${planned} would be deleted; nothing was.`];
  const left: Inline =
    cleanup.leftOver === null
      ? { strong: "unknown whether anything is left", tone: "bad" }
      : { strong: `${known(cleanup.leftOver)} left`, tone: cleanup.leftOver === 0 ? "good" : "bad" };
  return [`${scope}${planned} planned, ${count(cleanup.deletedRows, "row")} and ${deletedKeys(cleanup)} deleted, `, left, "."];
}

function changedRows(cleanup: CleanupResult): Block[] {
  const { touched = [] } = cleanup;
  if (touched.length === 0) return [];
  const rows = touched.map((one): Row => {
    const { place, row, now, before } = touchedWords(one);
    return { cells: [place, row, now, before].map((code) => ({ code })), loses: "changed real row" };
  });
  return [
    { kind: "title", text: touchedTitle },
    {
      kind: "table",
      title: touchedTitle,
      columns: ["Column", "Row", "Value now, set by a test", "Value before"].map((title) => ({ title })),
      rows,
      loses: "changed real row",
      mostInSummary: 20,
      rest(listed) {
        const rest = touchedRest(cleanup, listed);
        return rest === "" ? "" : `${rest}.`;
      },
    },
  ];
}

function byTable({ tables, keys, dryRun }: CleanupResult): Block[] {
  if (tables.length === 0 && keys.planned === 0 && keys.problem === undefined) return [];
  const row = (name: Inline, done: Pick<TableCleanup, "planned" | "deleted" | "left" | "samples" | "problem">): Row => ({
    cells: [
      { line: [name], below: done.problem === undefined ? [] : [{ strong: done.problem, tone: "bad" }] },
      ...[done.planned, ...(dryRun ? [] : [done.deleted, done.left])].map(known),
      { samples: done.samples },
    ],
    loses: "row of test data",
  });
  const columns: Column[] = [
    { title: "Table" },
    ...["Planned", ...(dryRun ? [] : ["Deleted", "Left"])].map((title) => ({ title, numeric: true as const })),
    { title: "Examples" },
  ];
  const rows = [...tables.map((table) => row({ code: table.table }, table)), row("Redis keys", keys)];
  return [{ kind: "table", title: "Test data by table", columns, rows, loses: "row of test data" }];
}

function timeToLive({ keys }: CleanupResult): Block[] {
  const found = keyTtl(keys);
  if (found === undefined) return [];
  return [{ kind: "text", line: [`${found} `, ...examples(keys.ttl?.samples ?? [])], loses: "note" }];
}

function statements(tables: readonly TableCleanup[]): Block[] {
  if (tables.length === 0) return [];
  const title = "SQL statements and table versions, for undo";
  const text = tables.map(statementText).join("\n\n");
  return [{ kind: "output", title: [title], label: title, text, open: false, loses: "list of SQL statements" }];
}

/** `books: unexplained rows 0, changed real rows 0`; on a branch `books: shared tables touched 0, unexplained keys 0`. */
export function booksBrief({ unexplained, touched, keys }: Books, shared?: { touched: Amount }): string {
  if (shared)
    return `books: shared tables touched ${amountText(shared.touched)}${keys ? `, unexplained keys ${amountText(keys.unexplained)}` : ""}`;
  return `books: unexplained rows ${amountText(unexplained)}, changed real rows ${amountText(touched)}`;
}

/** What the run wrote, according to the tables' own history. The totals are never left out. */
export function booksSection(books: Books | undefined, isolation?: Isolation): Section | undefined {
  if (!books) return undefined;
  const { problems, advice, unexplained, touched, keys } = books;
  const quiet =
    problems.length === 0 && [unexplained, touched, ...(keys ? [keys.unexplained] : [])].every(({ most }) => most === 0);
  return {
    what: "books",
    title: "Books",
    brief: books.line,
    ...(quiet ? { quiet } : {}),
    blocks: [
      {
        kind: "text",
        line: [
          "The books compare what this run wrote with what is still there. They read the change history of the tables, so they also find rows that the cleanup did not recognise.",
        ],
        loses: "note",
      },
      ...isolationBlocks(isolation),
      // Of a branch, everything is gone with it, and only the keys are left to count.
      ...(isolation === undefined || isolation.by === "prefixes" ? [{ kind: "text", line: totals(books) } as const] : []),
      ...(problems.length > 0
        ? [{ kind: "list", title: "Not counted", tone: "bad", items: problems, loses: "problem" } as const]
        : []),
      ...booksByTable(books.tables),
      ...redisKeys(books.keys),
      ...(advice.length > 0
        ? [{ kind: "list", title: "What to do", tone: "advice", items: advice, loses: "note" } as const]
        : []),
    ],
  };
}

/** Built from the numbers, so that each one says what it counts and what was expected. */
function totals(books: Books): Line {
  const { made, deleted, unexplained, touched, kept, tablesRead, versions, keys } = books;
  const rows: Line = [
    `Rows created: ${amountText(made)}. Deleted: ${amountText(deleted)}. `,
    ...(kept > 0 ? [`Kept in protected tables: ${numberText(kept)}. `] : []),
    ...expectedNone("Unexplained", unexplained),
    ...expectedNone("Real rows changed", touched),
    versions
      ? `Source: the history of ${count(tablesRead, "table")}, versions ${versions.from} to ${versions.to}. `
      : `Source: the history of ${count(tablesRead, "table")}. `,
  ];
  // An environment without a warehouse has no rows to count.
  const hasRows = tablesRead > 0 || books.tables.length > 0 || made.most !== 0 || books.problems.length > 0;
  return [...(hasRows ? rows : []), ...(keys ? expectedNone("Unexplained Redis keys", keys.unexplained) : [])];
}

function expectedNone(what: string, amount: Amount): Line {
  const tone = amount.most === 0 ? "good" : "bad";
  return [`${what}: `, { strong: amountText(amount), tone }, ", expected 0. "];
}

function booksByTable(tables: readonly TableBooks[]): Block[] {
  if (tables.length === 0) return [];
  const numbers = ["Created", "Deleted", "Unexplained", "Real rows changed"];
  const columns: Column[] = [
    { title: "Table" },
    { title: "Versions", numeric: true },
    ...numbers.map((title) => ({ title, numeric: true as const })),
    { title: "Examples" },
  ];
  const rows = tables.map(
    (table): Row => ({
      cells: [
        { line: [{ code: table.table }], below: [table.why] },
        versionSpan(table),
        ...[table.made, table.deleted, table.unexplained, table.touched].map(amountText),
        { samples: [...table.samples, ...table.touchedSamples, ...table.hangsOn] },
      ],
      loses: "row of the books",
    }),
  );
  return [{ kind: "table", title: "What the run wrote, by table", columns, rows, loses: "row of the books" }];
}

function redisKeys(keys: Books["keys"]): Block[] {
  if (!keys || keys.unexplained.most === 0) return [];
  const why = keys.why === undefined ? "" : `, because ${keys.why}`;
  const text = `Redis: ${amountText(keys.unexplained)} unexplained${why}. Compared: ${keys.looked}. `;
  return [{ kind: "text", line: [text, ...examples(keys.samples)], loses: "row of the books" }];
}

function examples(samples: readonly string[]): Line {
  return samples.flatMap((code): Inline[] => [{ code }, " "]);
}
