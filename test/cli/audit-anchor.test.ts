import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { outputsOf } from "../../src/action/run.ts";
import { type AuditEntry, type AuditRecord, auditLine } from "../../src/audit/chain.ts";
import { AuditLog } from "../../src/audit/log.ts";
import { headText } from "../../src/report/words.ts";
import { auditVerify } from "../harness/audit.ts";
import { performIn } from "../harness/stage.ts";

/** A log that somebody rewrote as a whole, each hash with it, is right in itself: only what is kept elsewhere can tell. */

const key = "a-key-of-the-audit-log-4711";
const run = { who: "somebody", run: "1763917800000_9f3c1a7e", environment: "local", stage: "cleanup" as const };
const note = (rows: number): AuditRecord => ({ action: "statement", details: { what: "delete" }, counts: { rows } });

let workspace: string;
let file: string;
beforeEach(() => {
  workspace = mkdtempSync(join(tmpdir(), "audit-anchor-"));
  mkdirSync(join(workspace, ".env-actions"));
  file = join(workspace, ".env-actions", "audit.jsonl");
});
afterEach(() => rmSync(workspace, { recursive: true }));

/** Three lines. @returns the head */
async function written(key?: string): Promise<string> {
  const log = new AuditLog(file, { ...run, key }, String);
  await Promise.all([1, 2, 3].map((rows) => log.write(note(rows))));
  return headText(log.head ?? { sequence: 0, hash: "" });
}

/** Every line changed as the forger likes, with hashes that are right again. */
function rewrite(change: (entry: AuditEntry & { mac?: string }) => void, { withKey }: { withKey?: string } = {}): void {
  let before: string | undefined;
  const lines = readFileSync(file, "utf8").trim().split("\n");
  const forged = lines.map((line, index) => {
    const { hash: _, previous: __, sequence: ___, ...entry } = JSON.parse(line) as AuditEntry & Record<string, unknown>;
    if (withKey) delete entry.mac;
    change(entry);
    const next = auditLine(before, entry, { sequence: index + 1, key: withKey });
    before = next.hash;
    return `${next.line}\n`;
  });
  writeFileSync(file, forged.join(""));
}

const innocent = (entry: AuditEntry) => {
  entry.counts = { rows: 0 };
};

describe("with a head that was kept elsewhere", () => {
  test("the original log verifies, also after it has grown", async () => {
    const head = await written();
    expect(head).toMatch(/^3:[0-9a-f]{64}$/);
    const more = new AuditLog(file, { ...run, key: undefined }, String);
    await more.write(note(4));
    expect(more.head?.sequence).toBe(4);
    for (const heads of [[head], [head.slice(2)], [head, headText(more.head ?? { sequence: 0, hash: "" })]]) {
      const { ok, text } = await auditVerify(workspace, { heads });
      expect(text).toContain(`anchored: the log has ${heads.join(", ")}`);
      expect(ok).toBe(true);
    }
  });

  test.each([
    ["rewritten and hashed again", () => rewrite(innocent)],
    ["cut at its end", () => writeFileSync(file, readFileSync(file, "utf8").split("\n").slice(0, 2).join("\n").concat("\n"))],
    [
      "begun anew",
      () => writeFileSync(file, `${auditLine(undefined, { at: "2026-01-01T00:00:00Z", ...run, ...note(0) }).line}\n`),
    ],
  ])("a log that was %s does not verify", async (_, forge) => {
    const head = await written();
    forge();
    const { ok, text, json } = await auditVerify(workspace, { heads: [head] });
    expect(text).toContain(
      `the log has no line ${head}, which --head names as its last line: the end of the log was cut off, or the log was replaced`,
    );
    // Nobody who gave a head is asked to give one.
    expect(text).not.toMatch(/not anchored|--head N:HASH/);
    expect(json).toMatchObject({ faults: [], anchors: [{ from: "--head", head, found: false }] });
    expect(ok).toBe(false);
    // By itself it can't tell, and says so.
    const alone = await auditVerify(workspace);
    expect(alone.ok).toBe(true);
    expect(alone.text).toMatch(/not anchored: .*could look the same.*--head N:HASH/);
  });

  test("file names beside the log can't control the terminal or the runner", async () => {
    await written();
    mkdirSync(join(workspace, ".env-actions", "reports"));
    const report = { auditHead: { sequence: 3, hash: "0".repeat(64) } };
    writeFileSync(join(workspace, ".env-actions", "reports", "\u001b[2Jx\n::error::y.json"), JSON.stringify(report));
    const { text, ok } = await auditVerify(workspace);
    expect(ok).toBe(false);
    expect(text).toContain(`the log has no line 3:${"0".repeat(64)}, which .env-actions/reports/`);
    expect(text).not.toContain("\u001b");
    expect(text).not.toMatch(/^::/m);
  });

  test("an invalid head is refused", async () => {
    await written();
    await expect(auditVerify(workspace, { heads: ["42:abc"] })).rejects.toThrow(/--head: expected a head .*, got "42:abc"/);
  });
});

describe("with a key", () => {
  test("every line has a valid HMAC", async () => {
    await written(key);
    expect((await auditVerify(workspace, { key })).ok).toBe(true);
    expect((await auditVerify(workspace, { key })).text).toMatch(/keyed: 3 of 3 lines carry an HMAC, checked with the key/);
    expect((await auditVerify(workspace)).text).toMatch(
      /3 of 3 lines carry an HMAC that was not checked: set ENV_ACTIONS_AUDIT_KEY/,
    );
  });

  test.each([
    ["and left the HMACs as they were", () => rewrite(innocent), /the HMAC of this line does not match the key/],
    ["with a key of their own", () => rewrite(innocent, { withKey: "another-key-of-another-log" }), /does not match the key/],
    [
      "and took the HMACs out",
      () =>
        rewrite((entry) => {
          delete entry.mac;
        }),
      /no line carries an HMAC, so the key .* proves nothing/,
    ],
    [
      "and added a line at the end",
      async () => {
        await new AuditLog(file, { ...run, key: undefined }, String).write(note(9));
      },
      /audit\.jsonl:4 this line has no HMAC, but lines before it have one/,
    ],
  ])("a log rewritten %s does not verify", async (_, forge, says) => {
    await written(key);
    await forge();
    const { ok, text } = await auditVerify(workspace, { key });
    expect(text).toMatch(says);
    expect(ok).toBe(false);
  });
});

test("a log of an earlier version still verifies and can be continued", async () => {
  const first = auditLine(undefined, { at: "2026-01-01T00:00:00.000Z", ...run, ...note(1) });
  const second = auditLine(first.hash, { at: "2026-01-01T00:00:01.000Z", ...run, ...note(2) });
  writeFileSync(file, `${first.line}\n${second.line}\n`);
  expect((await auditVerify(workspace)).text).toMatch(/2 lines, the chain of hashes is intact.*not keyed:.*not anchored:/s);
  const log = new AuditLog(file, { ...run, key }, String);
  await log.write(note(3));
  expect(log.head?.sequence).toBe(3);
  const { ok, text } = await auditVerify(workspace, { key, heads: [second.hash] });
  expect(text).toMatch(/1 of 3 lines carry an HMAC, checked .*; the 2 lines before line 3 have none/);
  expect(ok).toBe(true);
});

test("report, evidence, summary and output name the head, and tests never see the key", async () => {
  const stages = { integration: { command: `node -e "console.log('key:', process.env.AUDIT_KEY)"`, reports: ["r.xml"] } };
  const environments = { local: { access: "test-data", variables: ["PATH"] } };
  writeFileSync(join(workspace, "c.yml"), JSON.stringify({ version: 1, environments, stages, audit: { key: "${AUDIT_KEY}" } }));
  const perform = (stage: "preflight" | "integration") =>
    performIn(workspace, { stage, configFile: "c.yml", env: { PATH: process.env.PATH, AUDIT_KEY: key } });
  await perform("preflight");
  const answer = await perform("integration");
  expect(answer.output).toContain("key: undefined");
  const lines = readFileSync(file, "utf8").trim().split("\n");
  const last = JSON.parse(lines.at(-1) ?? "") as { hash: string };
  const head = { sequence: lines.length, hash: last.hash };
  expect(answer.report.auditHead).toEqual(head);
  expect(Object.fromEntries(outputsOf(answer))["audit-head"]).toBe(headText(head));
  expect(answer.files.summaryText).toContain(headText(head));
  const evidence = readFileSync(
    join(workspace, ".env-actions", "evidence", `integration-local-${answer.report.runId}.json`),
    "utf8",
  );
  expect(JSON.parse(evidence)).toMatchObject({ auditHead: head });
  // Found without being told, but these lie beside the log.
  const { ok, text } = await auditVerify(workspace, { key });
  expect(text).toMatch(/the log contains the heads that 6 reports and evidence files in the same folder name/);
  expect(ok).toBe(true);
  rewrite(innocent, { withKey: key });
  expect((await auditVerify(workspace, { key })).text).toMatch(
    /has no line .*, which \.env-actions\/reports\/integration[-\w]*\.json names/,
  );
});
