import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { gaps } from "../../src/staging/policies/gaps.ts";
import { proposePolicies } from "../../src/staging/policies/propose.ts";
import { readPolicies } from "../../src/staging/policies/read.ts";
import { readShapes } from "../../src/staging/policies/shapes.ts";
import type { Structure } from "../../src/staging/structure/structure.ts";
import { ownWorld, structureOf, tableOf } from "./policies-world.ts";

function classWaves(): Structure {
  const schema = JSON.parse(readFileSync("examples/classroom/schema.json", "utf8")) as Record<
    string,
    { columns: Record<string, string> }
  >;
  return structureOf(
    Object.fromEntries(Object.entries(schema).map(([name, { columns }]) => [name.replace("classwaves.", ""), tableOf(columns)])),
  );
}

test("ClassWaves' 48 tables", () => {
  const structure = classWaves();
  const { text, unsure, added, left } = proposePolicies(structure);
  expect(left).toEqual([]);
  const { policies } = readPolicies(text, "policies.yml");
  expect(gaps(policies, structure)).toEqual([]);
  expect(Object.keys(policies.tables)).toHaveLength(48);
  expect(added).toBeGreaterThan(800);
  // Few enough to read.
  expect(unsure).toBeLessThan(25);
  expect(text.match(/# TODO/g)).toHaveLength(unsure);

  // Nobody's name, address, words or voice is kept, whatever the column is called: a list by hand.
  const kept = Object.entries(policies.tables).flatMap(([table, { columns }]) =>
    Object.entries(columns).flatMap(([column, { how }]) => (how === "keep" ? [`${table}.${column}`] : [])),
  );
  const typeOf = (place: string) => {
    const [schema = "", table = "", column] = place.split(".");
    return structure.schemas[schema]?.tables[table]?.columns.find(({ name }) => name === column)?.type;
  };
  const personal =
    /(name|mail|phone|address|content|transcript|note|message|description|picture|ip_|agent|id$|ids$|path|token|payload|data$|json|text|feedback|phrases|summary|context|prompt_m|browser)/;
  expect(kept.filter((place) => typeOf(place) === "string" && personal.test(place.split(".")[2] ?? ""))).toEqual([
    "admin.schema_migrations.migration_name",
    "ai_insights.schema_migrations.migration_name",
    "analytics.educational_metrics.metric_name",
    "audio.recordings.transcription_status",
    "communication.messages.message_type",
    "compliance.parental_consents.consent_text_version",
    "users.analytics_job_metadata.job_name",
  ]);
  expect(kept.filter((place) => typeOf(place) !== "boolean" && /birth|_age$/.test(place))).toEqual([]);
  expect(
    kept
      .filter((place) => ["timestamp", "date"].includes(typeOf(place) ?? ""))
      .every((place) => /migrations|job_meta|templates|retention/.test(place)),
  ).toBe(true);
  const { columns: teachers } = policies.tables["users.teachers"] ?? {};
  expect(teachers).toMatchObject({
    id: { how: "surrogate", domain: "teacher" },
    name: { how: "synthetic", kind: "fullName", of: "id" },
    email: { how: "synthetic", kind: "email", of: "id" },
    school_id: { how: "surrogate", domain: "school" },
    last_login: { how: "generalise", to: "day" },
  });
  expect(policies.tables["sessions.transcriptions"]?.columns).toMatchObject({
    session_id: { how: "surrogate", domain: "session" },
    group_id: { how: "surrogate", domain: "group" },
    speaker_id: { how: "surrogate", domain: "member" },
    speaker_name: { how: "synthetic", kind: "fullName", of: "speaker_id" },
    content: { how: "synthetic", kind: "text" },
    key_phrases: { how: "null" },
  });
  expect(policies.tables["audio.recordings"]?.columns.file_path).toEqual({ how: "null" });
  expect(policies.tables["compliance.audit_log"]?.omit).toBe(true);
  // A key and what refers to it meet.
  const domainOf = (table: string, column: string) => {
    const own = policies.tables[table]?.columns[column];
    return own?.how === "surrogate" ? own.domain : undefined;
  };
  expect(domainOf("sessions.classroom_sessions", "id")).toBe("session");
  expect(domainOf("sessions.student_groups", "id")).toBe("group");
  expect(domainOf("sessions.student_groups", "leader_id")).toBe(domainOf("users.students", "id"));
});

test("a file that is there keeps every line, and gets what is new", () => {
  const before = `# Ours.
version: 1
domains:
  staff: { prefix: s_ } # teachers
tables:
  # The teachers.
  Users.Teachers:
    columns:
      id: { surrogate: staff }
      Email: { keep: "they are public" } # on the web page
  users.schools: omit
`;
  const present = readPolicies(before, "policies.yml");
  const structure = structureOf({
    "users.teachers": tableOf({ id: "string", email: "string", phone: "string" }),
    "users.schools": tableOf({ id: "string" }),
    "a.visits": tableOf({ id: "string", teacher_id: "string" }),
  });
  const { text, added, left } = proposePolicies(structure, { present });
  expect(left).toEqual([]);
  expect(added).toBe(3);
  expect(text).toBe(`# Ours.
version: 1
domains:
  staff: { prefix: s_ } # teachers
  teacher: {}
  visit: {}
tables:
  # The teachers.
  Users.Teachers:
    columns:
      id: { surrogate: staff }
      Email: { keep: "they are public" } # on the web page
      phone: { synthetic: phone }
  users.schools: omit
  a.visits:
    columns:
      id: { surrogate: visit }
      teacher_id: { surrogate: teacher }
`);
});

test("what a present file says wrongly is reported, not changed", () => {
  const present = readPolicies("version: 1\ntables:\n  users.teachers:\n    columns:\n      level: null\n", "policies.yml");
  const structure = structureOf({ "users.teachers": tableOf({ level: { type: "int", nullable: false } }) });
  const { left, added } = proposePolicies(structure, { present });
  expect([added, left.map(({ code, object }) => `${code} ${object}`)]).toEqual([0, ["EA2112 users.teachers.level"]]);
});

const world = ownWorld({
  "classwaves.users.things": {
    columns: { c1: "string", c2: "string", c3: "string", c4: "string", kind: "string", state: "string" },
  },
});

test("texts are looked at by counting, and tags are believed", async () => {
  await world.warehouse.load(
    "INSERT INTO users.things SELECT concat(n, '@real.org'), uuid(), '{\"a\": 1}', concat('+1 202 555 ', 1000 + n), CASE WHEN n % 2 = 0 THEN 'x' ELSE 'y' END, concat('a long text of somebody, ', n) FROM range(200) AS r(n)",
  );
  const table = tableOf({
    c1: "string",
    c2: "string",
    c3: "string",
    c4: "string",
    kind: "string",
    state: "string",
    c5: { type: "string", tags: { "class.name": "" } },
  });
  const looked = structureOf({ "users.things": { ...table, columns: table.columns.slice(0, 6) } });
  const { shapes, failed } = await readShapes(world.copy, looked);
  expect(failed.size).toBe(0);
  expect(shapes.get("users.things.c1")).toMatchObject({ filled: 200, distinct: 200, email: 200, uuid: 0 });
  const { text } = proposePolicies(structureOf({ "users.things": table }), { shapes });
  expect(readPolicies(text, "policies.yml").policies.tables["users.things"]?.columns).toMatchObject({
    c1: { how: "synthetic", kind: "email" },
    c2: { how: "null" },
    c3: { how: "null" },
    c4: { how: "synthetic", kind: "phone" },
    kind: { how: "keep" },
    state: { how: "null" },
    c5: { how: "synthetic", kind: "fullName" },
  });
  // No value is in the file, and none was asked for.
  expect(text).not.toMatch(/real\.org|somebody/);
  const asked = world.warehouse.statements.map(({ sql }) => sql).filter((sql) => sql.includes("distinct_0"));
  expect(asked).toHaveLength(1);
});
