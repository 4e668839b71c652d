import { appendFileSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { expect, onTestFinished, test } from "vitest";
import { type AuditEntry, type AuditRecord, auditLine } from "../../src/audit/chain.ts";
import type { AuditedRunReport } from "../../src/audit/report.ts";
import { runJson, runLines } from "../../src/audit/report-text.ts";
import { heldRun } from "../../src/audit/runs.ts";
import type { StageName } from "../../src/model/report.ts";
import { auditReport } from "../harness/audit.ts";

const run = "1763917800000_9f3c1a7e";

function entry(note: AuditRecord, other: Partial<AuditEntry> = {}): AuditEntry {
  const stage: StageName = "integration";
  return { at: "2026-11-23T17:14:12.300Z", who: "octocat", run, environment: "sandbox", stage, ...note, ...other };
}

function decision(details: AuditRecord["details"], counts: AuditRecord["counts"] = {}): AuditEntry {
  return entry({ action: "decision", details, counts });
}

function statement(details: AuditRecord["details"], counts: AuditRecord["counts"]): AuditEntry {
  return entry({ action: "statement", details, counts });
}

function textOf(entries: readonly AuditEntry[]): string {
  return [...runLines(heldRun(entries))].join("\n").replaceAll(/ {2,}/g, " ");
}

const table = "sessions.classroom_sessions";
const whole = [
  decision({ what: "created" }, { [table]: 3, keys: 2 }),
  decision(
    { what: "plan", scope: "run", digest: "12ab34cd56ef7890", execute: true },
    { [table]: 3, "sessions.transcriptions": 7, keys: 2 },
  ),
  decision({ what: "protected", table: "compliance.audit_log", kept: true }, { before: 41, after: 41 }),
  statement(
    { what: "delete", table, statement: `DELETE FROM ${table} WHERE id IN (:p1)`, versionBefore: 7, versionAfter: 8 },
    { planned: 3, deleted: 3 },
  ),
  statement({ what: "delete", table: "sessions.transcriptions", problem: "503 for 30 s" }, { planned: 7 }),
  statement({ what: "unlink" }, { planned: 2, deleted: 1 }),
  decision({ what: "verified", leftOver: 8 }, { "sessions.transcriptions": 7, [table]: 0, keys: 1 }),
  decision({ verdict: "failed", reason: "8 left", commit: "0123456789abcdef" }, { deletedRows: 3, deletedKeys: 1 }),
];

test("what two stages of a run say in the same words is said once", () => {
  const told = [
    decision({ what: "created" }, { [table]: 3, keys: 2 }),
    decision({ what: "protected", table: "compliance.audit_log", kept: true }, { before: 41, after: 41 }),
  ];
  const text = textOf([...told, ...told, decision({ what: "created" }, { [table]: 4, keys: 2 })]);
  expect(text.match(/ 3 rows/g)).toHaveLength(1);
  expect(text.match(/ 4 rows/g)).toHaveLength(1);
  expect(text.match(/compliance\.audit_log/g)).toHaveLength(1);
});

test("the report says what was created, planned, deleted, left and protected, with time, place and actor", () => {
  const text = textOf(whole);
  for (const line of [
    `run ${run} in sandbox, by octocat`,
    "2026-11-23 17:14:12 UTC to 2026-11-23 17:14:12 UTC",
    "integration failed: 8 left (commit 0123456789)",
    `created, as reported by the tests\n ${table} 3 rows\n Redis 2 keys`,
    `planned by integration (scope run, digest 12ab34cd56ef)\n ${table} 3 rows\n sessions.transcriptions 7 rows\n Redis 2 keys`,
    `${table} 3 of 3 rows, version 7 → 8\n DELETE FROM ${table} WHERE id IN (:p1)`,
    "sessions.transcriptions unknown of 7 rows – 503 for 30 s",
    "Redis 1 of 2 keys",
    "8 rows and keys, checked by integration at 2026-11-23 17:14:12 UTC\n sessions.transcriptions 7 rows\n Redis 1 key",
    "compliance.audit_log kept (41 rows before, 41 after)",
  ])
    expect(text).toContain(line);
  expect(text).not.toContain("put back");
});

test("the report says what was restored, what did not stay unchanged, and what a second signal left", () => {
  const text = textOf([
    statement({ what: "restore", table, statement: "INSERT …", version: 7 }, { planned: 3, restored: 3 }),
    decision({ what: "protected", table: "compliance.audit_log", kept: false }, { before: 41, after: 40 }),
    decision({ what: "protected", table: "compliance.consents", kept: "unknown" }),
    decision({ what: "verified", leftOver: "unknown" }),
    decision({ what: "interrupted", signal: "SIGINT", known: true }, { [table]: 3, keys: 0 }),
  ]);
  expect(text).toContain(`put back\n ${table} 3 of 3 rows, from version 7\n INSERT …`);
  expect(text).toContain("compliance.audit_log NOT KEPT (41 rows before, 40 after)");
  expect(text).toContain("compliance.consents unknown whether it was kept");
  expect(text).toContain("unknown: not everything could be checked");
  expect(text).toContain(`not known to be deleted when integration got SIGINT for the second time\n ${table} 3 rows`);
});

test("the report says which branches and copies of production there were, and nothing of it is another note", () => {
  const text = textOf([
    statement({ what: "branch-created", branch: "cw_ea_1", of: "cw" }, { cloned: 47, empty: 1, leftOut: 0 }),
    statement({ what: "branch-dropped", branch: "cw_ea_1", of: "cw", gone: true }, {}),
    statement({ what: "branch-dropped", branch: "cw_ea_2", of: "cw", gone: false, problem: "denied" }, {}),
    statement({ what: "branch-dropped", branch: "cw_ea_3", of: "cw", gone: "unknown" }, {}),
    decision({ what: "drift", original: "cw", copy: "staging", verdict: "different" }, { compared: 9, differences: 2 }),
    decision({ what: "sync-plan", digest: "12ab34cd56ef7890", execute: true }, { steps: 2, losing: 0 }),
    statement({ what: "sync", object: "users", statement: "CREATE SCHEMA staging.users", problem: "denied" }, {}),
    decision(
      { what: "refresh", original: "cw", copy: "staging", refresh: "r1", policies: "ab12ab12ab12ab12", switched: false },
      { tables: 3, rows: 60, leaks: 1 },
    ),
    statement({ what: "empty", table }, {}),
    statement({ what: "seed", table }, { rows: 7 }),
    statement({ what: "schema-dropped", schema: "env_actions_old_1", of: "staging" }, {}),
  ]);
  for (const line of [
    "branches\n created cw_ea_1, a copy of cw (cloned 47, empty 1, left out 0)\n dropped cw_ea_1, a copy of cw: gone",
    "dropped cw_ea_2, a copy of cw: NOT GONE – denied",
    "dropped cw_ea_3, a copy of cw: unknown whether it is gone",
    "copy of production\n drift staging, a copy of cw: different (compared 9, differences 2)",
    "sync plan digest 12ab34cd56ef, carried out (losing 0, steps 2)",
    "sync CREATE SCHEMA staging.users – denied",
    "refresh staging, a copy of cw: NOT SWITCHED, refresh r1, policies ab12ab12ab12 (leaks 1, rows 60, tables 3)",
    `emptied ${table}`,
    `filled ${table} (rows 7)`,
    "dropped staging.env_actions_old_1",
  ])
    expect(text).toContain(line);
  expect(text).not.toContain("other note");
});

test("missing entries are reported as unknown, not as nothing", () => {
  const text = textOf([decision({ verdict: "passed", reason: "" }, { deletedRows: 5, deletedKeys: 0 })]);
  expect(text).toContain("created, as reported by the tests: the log does not say");
  expect(text).toContain("deleted: 5 rows and 0 keys; the log does not name the tables");
  expect(text).toContain("protected: the log does not say");
  expect(textOf([decision({ what: "plan" })])).toContain("deleted: the log does not say");
  expect(textOf([decision({ verdict: "passed", reason: "" })])).toContain("deleted: nothing");
});

test("each run is reported separately, and a single run can be selected", async () => {
  const other = { ...decision({ what: "plan" }), run: "1763917900000_00000000", who: "another", environment: "staging" };
  const ofGate = { ...other, run: "1763918000000_00000000", gate: "1763917700000_0a0b0c0d" };
  const workspace = mkdtempSync(join(tmpdir(), "audit-report-"));
  onTestFinished(() => rmSync(workspace, { recursive: true }));
  mkdirSync(join(workspace, ".env-actions"));
  const [first, ...rest] = whole;
  if (!first) throw new Error("there is an entry");
  let previous: string | undefined;
  // The runs take turns.
  for (const one of [first, other, ...rest, ofGate, other]) {
    const { line, hash } = auditLine(previous, one);
    appendFileSync(join(workspace, ".env-actions", "audit.jsonl"), `${line}\n`);
    previous = hash;
  }
  const runs = async (only?: string) => {
    const { json } = await auditReport(workspace, only);
    return (json as { runs: AuditedRunReport[] }).runs.map(({ run, who, planned }) => [run, who, planned.length]);
  };
  expect(await runs()).toEqual([
    [run, ["octocat"], 1],
    [other.run, ["another"], 2],
    [ofGate.run, ["another"], 1],
  ]);
  expect(await runs(other.run)).toEqual([[other.run, ["another"], 2]]);
  expect(await runs(ofGate.gate)).toEqual([[ofGate.run, ["another"], 1]]);
});

test("entries of any form never stop the report", () => {
  const anything = fc.dictionary(
    fc.oneof(fc.string(), fc.constantFrom("what", "verdict", "table", "keys", "__proto__")),
    fc.anything(),
  );
  const what = fc.constantFrom(
    "plan",
    "created",
    "delete",
    "unlink",
    "verified",
    "books",
    "protected",
    "restore",
    "interrupted",
    "toString",
  );
  fc.assert(
    fc.property(fc.array(fc.tuple(anything, anything, what, fc.constantFrom("decision", "statement"))), (lines) => {
      const entries = lines.map(([details, counts, kind, action]) =>
        entry({ action, details: { ...details, what: kind }, counts } as unknown as AuditRecord),
      );
      if (entries.length === 0) return;
      const run = heldRun(entries);
      for (const line of runLines(run)) expect(typeof line).toBe("string");
      expect(JSON.parse([...runJson(run, "")].join(""))).toMatchObject({ run: run.run });
    }),
  );
});
