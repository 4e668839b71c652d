import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type AuditEntry, auditLine } from "../../src/audit/chain.ts";
import { readArguments } from "../../src/cli/arguments.ts";
import { auditReport, auditVerify } from "../harness/audit.ts";
import { freshBundle } from "../harness/process.ts";

let workspace: string;
beforeEach(() => {
  workspace = mkdtempSync(join(tmpdir(), "audit-"));
  mkdirSync(join(workspace, ".env-actions"));
});
afterEach(() => rmSync(workspace, { recursive: true }));

const entry: AuditEntry = {
  at: "2026-11-23T12:00:00.000Z",
  who: "somebody",
  run: "1763920000000_1a2b3c4d",
  environment: "local",
  stage: "integration",
  action: "statement",
  details: { what: "delete", table: "sessions.\u001b[31mred" },
  counts: { planned: 3, deleted: 2 },
};
const first = auditLine(undefined, entry);
const second = auditLine(first.hash, { ...entry, run: "1763920000001_1a2b3c4d", who: "another" });

function write(...lines: string[]): void {
  writeFileSync(join(workspace, ".env-actions", "audit.jsonl"), lines.map((line) => `${line}\n`).join(""));
}

test("the report shows each run of the log and contains no terminal control characters", async () => {
  write(first.line, second.line);
  const { ok, text } = await auditReport(workspace, undefined);
  expect(ok).toBe(true);
  const found = [
    "2 lines, the chain of hashes is intact",
    `run ${entry.run} in local, by somebody`,
    "2 of 3 rows",
    "by another",
  ].map((words) => text.indexOf(words));
  expect(found).toEqual([...found].sort((a, b) => a - b));
  expect(found[0]).toBeGreaterThan(0);
  expect(text).not.toContain("\u001b");
  expect((await auditReport(workspace, "1763920000001_1a2b3c4d")).text).not.toContain("somebody");
});

test("a changed line is named and not trusted", async () => {
  write(first.line, second.line.replace("another", "nobody"));
  const { ok, json } = await auditReport(workspace, undefined);
  expect(ok).toBe(false);
  expect(json).toMatchObject({ log: { lines: 2, faults: [{ line: 2 }] }, runs: [{ who: ["somebody"] }] });
});

test("verify names wrong lines, up to a limit", async () => {
  write(first.line, "x", second.line, "y");
  const { ok, text } = await auditVerify(workspace);
  expect(ok).toBe(false);
  const named = text.split("\n").filter((line) => line.startsWith(".env-actions"));
  expect(named.map((line) => line.slice(0, line.indexOf(" ")))).toEqual([
    ".env-actions/audit.jsonl:2",
    ".env-actions/audit.jsonl:4",
  ]);
  write(...Array.from({ length: 30 }, () => "x"));
  expect((await auditVerify(workspace)).text).toMatch(/… and 20 more of 30 lines$/m);
});

test("a missing log, an unknown run and an unknown subcommand are errors that list what exists", async () => {
  await expect(auditReport(workspace, undefined)).rejects.toThrow(/the file \.env-actions\/audit\.jsonl does not exist here/);
  write(first.line);
  await expect(auditReport(workspace, "1763920000002_1a2b3c4d")).rejects.toThrow(
    /has no run "1763920000002_1a2b3c4d"; did you mean "1763920000000_1a2b3c4d"/,
  );
  for (const [words, wanted] of [
    [["audit"], 'expected "audit verify" or "audit report", got "audit"'],
    [["audit", "reprot"], 'expected "audit verify" or "audit report", got "audit reprot"; did you mean "report"?'],
    [["audit", "report", "verify"], 'unexpected argument "verify" after "audit report": remove it'],
    [["audit", "verify", "nope"], 'unexpected argument "nope" after "audit verify": remove it'],
  ] as const)
    expect(() => readArguments(words)).toThrow(wanted);
});

test("the report is printed as text, as JSON and for one run", () => {
  write(first.line, second.line);
  const { GITHUB_ACTIONS: _runner, ...env } = process.env;
  const main = freshBundle;
  const args = [main, "audit", "report", "--json", "--run", entry.run];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: workspace, env, encoding: "utf8" });
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  expect(JSON.parse(stdout)).toMatchObject({
    log: { faults: [] },
    runs: [{ run: entry.run, deleted: [{ planned: 3, done: 2 }] }],
  });
});
