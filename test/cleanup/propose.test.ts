import { readFile } from "node:fs/promises";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { columnsIn, differences, proposalText } from "../../src/cleanup/propose/proposal-text.ts";
import { type Proposal, proposeTables, type RemarkKind } from "../../src/cleanup/propose/propose.ts";
import type { Views } from "../../src/cleanup/tables/catalog.ts";
import { type CatalogColumns, dependencyLevels } from "../../src/cleanup/tables/catalog.ts";
import { resolveTables } from "../../src/config/classwaves.ts";
import { onlyMentionsSecret } from "../../src/config/columns.ts";
import { isProtected } from "../../src/config/protection.ts";
import type { Table } from "../../src/config/schema.ts";
import { tableName, tableSchema, writtenTable } from "../../src/config/test-data-schema.ts";

/**
 * A person reads a proposal, but most will just paste it. So it must not name what doesn't exist, and it must load. If names are
 * unclear, it must leave out rather than guess, because a wrong parent deletes a school's rows.
 */

const protectedTables = ["compliance.*"];
const none: Views = new Map();
const view = { name: "a view", instead: "declare the table behind it" };

/** `schema.table` → its columns, as `name` (text) or `name:TYPE`. */
function catalog(tables: Record<string, string>): CatalogColumns {
  return new Map(
    Object.entries(tables).map(([name, columns]) => [
      name,
      new Map(columns.split(" ").map((column) => [column.split(":")[0] ?? "", column.split(":")[1] ?? "STRING"])),
    ]),
  );
}

function propose(tables: Record<string, string>): Proposal {
  return proposeTables({ columns: catalog(tables), views: none, protectedTables });
}

function remarks(proposal: Proposal, kind: RemarkKind): string[] {
  return proposal.remarks.filter((remark) => remark.kind === kind).map(({ table, text }) => `${table}: ${text}`);
}

describe("the 48 tables of ClassWaves", async () => {
  const schemaFile = new URL("../../examples/classroom/schema.json", import.meta.url);
  const real: Record<string, { columns: Record<string, string> }> = JSON.parse(await readFile(schemaFile, "utf8"));
  const columns: CatalogColumns = new Map(
    Object.entries(real).map(([name, table]) => [
      name.replace(/^classwaves\./, ""),
      // As in information_schema: MAP, not map<string,string>.
      new Map(Object.entries(table.columns).map(([column, type]) => [column, type.replace(/[<(].*/, "").toUpperCase()])),
    ]),
  );
  const preset = resolveTables({ preset: "classwaves", tables: {} });
  const proposal = proposeTables({ columns, views: none, protectedTables });

  /** Users who sign in are teachers. No name shows that, and a table called users there is something else. */
  const userIsTeacher = { parents: { user_id: { table: "users.teachers", kind: "belongs-to" as const } } };
  /** What a person decided for the preset, and names cannot show. */
  const decided: Record<string, Partial<Table> | "left out"> = {
    "notifications.notification_queue": userIsTeacher,
    "operational.api_metrics": { parents: { user_id: { table: "users.teachers", kind: "part-of" } } },
    "operational.system_events": userIsTeacher,
    // A participant can be moved to another group.
    "sessions.participants": { parents: { group_id: { table: "sessions.student_groups", kind: "belongs-to" } } },
    // Aggregates over everybody, created by a job: their ids are not a test's.
    "ai_insights.teacher_prompt_effectiveness": { match: [] },
    // Protected: a proposal mentions them in a comment; the preset knows their columns so that nobody is asked.
    "compliance.audit_log": "left out",
    "compliance.coppa_compliance": "left out",
    "compliance.parental_consents": "left out",
    "compliance.retention_policies": "left out",
  };

  test.each([...columns.keys()])("%s is proposed as in the preset, except for what a person decided", (name) => {
    const decision = decided[name];
    const proposed = proposal.tables[name];
    if (decision === "left out") {
      expect(proposed).toBeUndefined();
      expect(remarks(proposal, "protected")).toContainEqual(expect.stringContaining(`${name}: protected`));
      return;
    }
    expect(proposed).toBeDefined();
    const corrected = {
      ...proposed,
      ...decision,
      parents: { ...proposed?.parents, ...decision?.parents },
    } as Table;
    expect(comparable(corrected)).toEqual(comparable(preset[name] as Table));
    // It is a real decision: without it, they differ.
    if (decision) expect(comparable(proposed as Table)).not.toEqual(comparable(preset[name] as Table));
  });

  test("what names cannot show is reported: user_id, and the group that replaces a key", () => {
    expect(remarks(proposal, "ambiguous")).toEqual([]);
    expect(remarks(proposal, "circle")).toEqual([]);
    expect(remarks(proposal, "key")).toEqual([
      "analytics.group_analytics: no column surely identifies its rows; group_id is used",
    ]);
    expect(remarks(proposal, "unknown").filter((text) => text.includes("user_id"))).toHaveLength(3);
    expect(remarks(proposal, "mention")).toContain(
      "communication.messages: recipient_id and sender_id only mention somebody or something",
    );
  });

  test("the preset and the warehouse agree", () => {
    expect(differences(preset, proposal, columns, protectedTables)).toEqual([]);
  });

  test("a migration that adds and removes is reported as a difference", () => {
    const changed: CatalogColumns = new Map(columns);
    changed.delete("audio.recordings");
    changed.set("sessions.reactions", new Map([["id", "STRING"]]));
    changed.set("compliance.requests", new Map([["id", "STRING"]]));
    const messages = new Map(changed.get("communication.messages"));
    messages.delete("subject");
    changed.set("communication.messages", messages.set("group_id", "STRING").set("email", "STRING"));
    const found = differences(
      preset,
      proposeTables({ columns: changed, views: none, protectedTables }),
      changed,
      protectedTables,
    );
    expect(found.map(({ table, text }) => `${table} ${text}`)).toEqual([
      "audio.recordings is declared, but does not exist, or this principal may not see it",
      "communication.messages is declared with subject, but has no such column",
      "communication.messages does not declare group_id under parents",
      "communication.messages does not declare email under match",
      "communication.messages does not declare email under person",
      "sessions.reactions exists in the warehouse, but is not declared: its test data would not be found",
    ]);
  });
});

test("a view declared with rules is reported as a difference, because a cleanup would refuse it", () => {
  const columns = catalog({ "a.lessons": "id title", "a.active": "id title", "a.kept": "id title" });
  const declared = {
    "a.lessons": tableSchema.parse({ match: [{ column: "title", prefix: true }] }),
    "a.active": tableSchema.parse({ match: [{ column: "title", prefix: true }] }),
    "a.kept": tableSchema.parse({}),
  };
  const proposal = proposeTables({
    columns,
    views: new Map([
      ["a.active", view],
      ["a.kept", view],
    ]),
    protectedTables,
  });
  expect(differences(declared, proposal, columns, protectedTables)).toContainEqual({
    table: "a.active",
    kind: "view",
    columns: [],
    text: "is declared, but is a view, so its rows cannot be deleted here: declare the table behind it instead",
  });
  expect(differences(declared, proposal, columns, protectedTables).map(({ table }) => table)).not.toContain("a.kept");
});

/** The order of rules and columns has no meaning. */
function comparable(table: Table) {
  return {
    key: table.key,
    time: table.time,
    match: table.match.map((rule) => JSON.stringify(rule)).sort(),
    parents: table.parents,
    person: table.person.toSorted(),
  };
}

describe("the table that a column points at", () => {
  const targetsOf = (proposal: Proposal, table: string) =>
    Object.fromEntries(Object.entries(proposal.tables[table]?.parents ?? {}).map(([column, parent]) => [column, parent.table]));
  const parents = (tables: Record<string, string>, table: string) => targetsOf(propose(tables), table);

  test("is the one whose name ends with the plural, whatever its form", () => {
    const tables = {
      "a.classroom_sessions": "id",
      "a.categories": "id",
      "a.classes": "id",
      "a.children": "id",
      "a.notes": "id session_id category_id class_id child_uuid",
    };
    expect(parents(tables, "a.notes")).toEqual({
      session_id: "a.classroom_sessions",
      category_id: "a.categories",
      class_id: "a.classes",
      child_uuid: "a.children",
    });
  });

  test("is preferably in its own schema, and named by the singular if there is no plural", () => {
    expect(parents({ "a.groups": "id", "b.groups": "id", "b.notes": "id group_id" }, "b.notes")).toEqual({
      group_id: "b.groups",
    });
    expect(parents({ "a.user": "id", "a.notes": "id user_id" }, "a.notes")).toEqual({ user_id: "a.user" });
  });

  test("is among several in one schema the one with exactly that name, otherwise the candidates are reported", () => {
    const two = { "a.student_groups": "id", "a.teacher_groups": "id", "a.notes": "id group_id" };
    expect(parents({ ...two, "a.groups": "id" }, "a.notes")).toEqual({ group_id: "a.groups" });
    expect(parents(two, "a.notes")).toEqual({});
    expect(remarks(propose(two), "ambiguous")).toEqual([
      "a.notes: group_id could refer to a row of a.student_groups or a.teacher_groups",
    ]);
    const caches = { "a.session_analytics_cache": "id", "b.session_analytics_cache": "id" };
    expect(remarks(propose({ ...caches, "c.notes": "id session_analytics_cache_id" }), "ambiguous")).toEqual([
      "c.notes: session_analytics_cache_id could refer to a row of a.session_analytics_cache or b.session_analytics_cache",
    ]);
  });

  test("is never a protected table, a view, one without its own key, or one of another type", () => {
    const notes = "id consent_id overview_id place_id team_id";
    const proposal = proposeTables({
      columns: catalog({
        "compliance.consents": "id",
        "a.overviews": "id",
        "a.places": "label",
        "a.teams": "id:BIGINT",
        "a.notes": notes,
      }),
      views: new Map([["a.overviews", view]]),
      protectedTables,
    });
    expect(targetsOf(proposal, "a.notes")).toEqual({});
    expect(Object.keys(proposal.tables)).toEqual(["a.notes", "a.teams"]);
  });

  test("is suggested by a role but not by a mention, and may be the same table", () => {
    const tables = {
      "a.teachers": "teacher_id email",
      "a.leaders": "id",
      "a.groups": "id primary_teacher_id leader_id created_by group_id",
    };
    const proposal = propose(tables);
    expect(targetsOf(proposal, "a.groups")).toEqual({ group_id: "a.groups" });
    expect(remarks(proposal, "unknown")).toEqual(["a.groups: primary_teacher_id may refer to a row of a.teachers in some role"]);
    expect(remarks(proposal, "mention")).toEqual(["a.groups: created_by and leader_id only mention somebody or something"]);
    expect(proposal.tables["a.teachers"]).toMatchObject({
      key: "teacher_id",
      match: expect.arrayContaining([{ column: "teacher_id", prefix: true }]),
    });
    expect(
      ["leader_id", "speaker_id", "sender_id", "recipient_id", "created_by", "target_student_id"].every(onlyMentionsSecret),
    ).toBe(true);
    expect(["session_id", "teacher_id", "group_id", "id"].some(onlyMentionsSecret)).toBe(false);
  });

  test("gets computed and descriptive rows as partOf, and rows that can be moved as belongsTo", () => {
    const tables = {
      "a.schools": "id",
      "a.sessions": "id school_id",
      "a.teachers": "id school_id",
      "a.school_settings": "id school_id",
      "a.teacher_summaries": "id teacher_id",
      "a.groups": "id session_id",
    };
    const kinds = Object.entries(propose(tables).tables).flatMap(([name, table]) =>
      Object.entries(table.parents).map(([column, { kind }]) => `${name}.${column} ${kind}`),
    );
    expect(kinds).toEqual([
      "a.groups.session_id part-of",
      "a.school_settings.school_id part-of",
      "a.sessions.school_id belongs-to",
      "a.teacher_summaries.teacher_id part-of",
      "a.teachers.school_id belongs-to",
    ]);
  });

  test("in a circle is left out at the table that most depend on, and reported", () => {
    const proposal = propose({ "a.schools": "id teacher_id", "a.teachers": "id school_id", "a.sessions": "id school_id" });
    expect(targetsOf(proposal, "a.schools")).toEqual({});
    expect(targetsOf(proposal, "a.teachers")).toEqual({ school_id: "a.schools" });
    expect(remarks(proposal, "circle")).toEqual([
      "a.schools: teacher_id points at a.teachers, which depends on this table: one of the two was left out",
    ]);
  });
});

test("may have no rules: it is then declared if that is certain, and left out otherwise", () => {
  const proposal = propose({
    "a.schema_migrations": "id name",
    "a.totals": "total_name",
    "a.marks": "group_id",
    "a.numbers": "value:INT",
  });
  expect(proposal.tables).toEqual({
    "a.schema_migrations": { key: "id", match: [], parents: {}, person: ["name"] },
    "a.totals": { key: "total_name", match: [], parents: {}, person: [] },
  });
  expect(remarks(proposal, "nothing-to-go-by").map((text) => text.split(":")[0])).toEqual(["a.marks", "a.numbers"]);
});

/** Real names, names that resemble them, and names that nobody should use. */
const word = fc.constantFrom(
  "session",
  "sessions",
  "group",
  "groups",
  "student",
  "students",
  "class",
  "classes",
  "cache",
  "summary",
  "migrations",
  "id",
  "true",
  "null",
);
const someName = fc.oneof(
  { weight: 8, arbitrary: fc.array(word, { minLength: 1, maxLength: 3 }).map((words) => words.join("_")) },
  { weight: 1, arbitrary: fc.string({ unit: "binary", maxLength: 6 }) },
  { weight: 1, arbitrary: fc.constantFrom("__proto__", "constructor", "a\nb: c", "x # y", "*", "Straße", "a-b") },
);
const someColumn = fc.oneof(
  {
    weight: 3,
    arbitrary: fc
      .tuple(fc.array(word, { minLength: 1, maxLength: 2 }), fc.constantFrom("_id", "_uuid", "_name", "_by"))
      .map(([words, end]) => words.join("_") + end),
  },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      "id",
      "ID",
      "title",
      "email",
      "domain",
      "created_at",
      "leader_id",
      "created_by",
      "null_id",
      "content",
    ),
  },
  { weight: 1, arbitrary: someName },
);
const someType = fc.constantFrom("STRING", "STRING", "STRING", "BIGINT", "TIMESTAMP", "DATE", "BOOLEAN", "MAP", "DECIMAL");
const schemaName = fc.constantFrom("a", "b", "compliance");
const anyCatalog = fc
  .uniqueArray(
    fc.record({
      schema: schemaName,
      name: someName,
      columns: fc.uniqueArray(fc.tuple(someColumn, someType), { maxLength: 7, selector: ([name]) => name }),
    }),
    { maxLength: 12, selector: ({ schema, name }) => `${schema}.${name}` },
  )
  .map((tables): CatalogColumns => new Map(tables.map(({ schema, name, columns }) => [`${schema}.${name}`, new Map(columns)])));

describe("any warehouse", () => {
  test("gives a declaration that loads, has no circle, and names only what exists", () => {
    fc.assert(
      fc.property(anyCatalog, fc.nat(3), (columns, every) => {
        const seen = [...columns.keys()].filter((_, index) => every > 0 && index % (every + 2) === 0);
        const views: Views = new Map(seen.map((name) => [name, view]));
        const { tables, remarks: said } = proposeTables({ columns, views, protectedTables });
        expect(() => dependencyLevels(tables)).not.toThrow();
        for (const [name, table] of Object.entries(tables)) {
          expect(tableName.safeParse(name).success).toBe(true);
          expect(tableSchema.parse(writtenTable(table))).toEqual(table);
          expect(isProtected(name, protectedTables) || views.has(name)).toBe(false);
          expect([...(columns.get(name)?.keys() ?? [])]).toEqual(expect.arrayContaining(columnsIn(table)));
          for (const [column, parent] of Object.entries(table.parents)) {
            expect(Object.keys(tables)).toContain(parent.table);
            expect(onlyMentionsSecret(column)).toBe(false);
          }
        }
        // Every table is mentioned.
        expect([...new Set([...Object.keys(tables), ...said.map(({ table }) => table)])].sort()).toEqual(
          [...columns.keys()].sort(),
        );
      }),
      { numRuns: 400 },
    );
  });

  test("is written as YAML with the same meaning, whatever the names, and agrees with itself", () => {
    fc.assert(
      fc.property(anyCatalog, (columns) => {
        const proposal = proposeTables({ columns, views: none, protectedTables });
        const found = differences(proposal.tables, proposal, columns, protectedTables);
        const undeclared = found.filter(({ kind }) => kind !== "undeclared-table");
        expect(undeclared).toEqual([]);
        const text = proposalText(proposal, found, "cat\nalog");
        const written = parse(text) as { testData: { tables: Record<string, unknown> } };
        const read = Object.entries(written.testData.tables).map(([name, table]) => [name, tableSchema.parse(table)]);
        expect(read).toEqual(Object.entries(proposal.tables));
        expect(text).not.toMatch(/[^\n\P{Cc}]/u);
      }),
      { numRuns: 300 },
    );
  });

  test("gives the same proposal for any order of its columns", () => {
    fc.assert(
      fc.property(anyCatalog, (columns) => {
        const turned: CatalogColumns = new Map([...columns].reverse().map(([name, of]) => [name, new Map([...of].reverse())]));
        expect(proposeTables({ columns: turned, views: none, protectedTables })).toEqual(
          proposeTables({ columns, views: none, protectedTables }),
        );
      }),
      { numRuns: 100 },
    );
  });
});
