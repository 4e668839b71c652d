import { appendFileSync, closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type AuditEntry, AuditVerifier, auditLine } from "../../src/audit/chain.ts";
import { Distinct, numbers } from "../../src/audit/places.ts";
import { LogReader } from "../../src/audit/read.ts";
import { type AuditedRunReport, sections } from "../../src/audit/report.ts";
import { runJson, runLines } from "../../src/audit/report-text.ts";
import { AuditRuns, heldRun } from "../../src/audit/runs.ts";
import { type AuditOutput, auditReport as report } from "../../src/cli/audit.ts";
import { auditReport, auditVerify } from "../harness/audit.ts";

/** Reports of logs that are too large to be held: what they say, and that they are read and printed in pieces. */

let workspace: string;
let file: string;
beforeEach(() => {
  workspace = mkdtempSync(join(tmpdir(), "audit-runs-"));
  mkdirSync(join(workspace, ".env-actions"));
  file = join(workspace, ".env-actions", "audit.jsonl");
});
afterEach(() => rmSync(workspace, { recursive: true }));

function write(entries: readonly AuditEntry[]): void {
  let previous: string | undefined;
  let text = "";
  for (const entry of entries) {
    const { line, hash } = auditLine(previous, entry);
    text += `${line}\n`;
    previous = hash;
  }
  appendFileSync(file, text);
}

const kinds = ["created", "plan", "verified", "books", "touched", "protected", "interrupted", "other", "undo"];

/** Every kind of note, in turns, by several people; versions follow their delete. */
function entry(number: number, run: string, padding = ""): AuditEntry {
  const table = `sessions.table_${number % 7}`;
  const common = {
    at: new Date(1_763_900_000_000 + number).toISOString(),
    who: `person ${number % 3}`,
    run,
    environment: `e${number % 2}`,
  };
  const of = { ...common, stage: "cleanup" as const };
  const versions = {
    action: "decision",
    details: { what: "versions", table },
    counts: { versionBefore: number, versionAfter: number + 1 },
  };
  const change = (what: string) => ({
    action: "statement",
    details: { what, table, statement: `${what} ${padding}` },
    counts: { planned: 2, deleted: 1 },
  });
  const made = [
    change("delete"),
    versions,
    change("unlink"),
    change("restore"),
    change("repair"),
    change("branch-dropped"),
    change("seed"),
    { action: "decision", details: { verdict: "failed", reason: padding, commit: "0".repeat(40) }, counts: { deletedRows: 1 } },
    ...kinds.map((what) => ({
      action: "decision",
      details: { what, table, execute: number % 2 === 0, kept: true },
      counts: { [table]: number },
    })),
  ];
  return { ...of, ...made[number % made.length] } as unknown as AuditEntry;
}

async function printed(json: boolean, run?: string): Promise<string[]> {
  const pieces: string[] = [];
  const output: AuditOutput = { json, write: async (text) => pieces.push(text) > 0 };
  await report(workspace, run, output);
  return pieces;
}

test("a run that is too large to be held is reported as one that is held", async () => {
  const large = Array.from({ length: 2_000 }, (_, number) => entry(number, "large", "x".repeat(1_000)));
  const small = Array.from({ length: 40 }, (_, number) => entry(number, "small"));
  // The small run's lines are among those of the large one.
  const mixed = large.flatMap((one, index) => (index % 50 === 0 ? [one, small[index / 50] as AuditEntry] : [one]));
  write(mixed);
  const { json, text } = await auditReport(workspace, undefined);
  const { runs } = json as { runs: AuditedRunReport[] };
  for (const [index, entries] of [large, small].entries()) {
    const held = heldRun(entries);
    expect(runs[index]).toEqual(JSON.parse([...runJson(held, "")].join("")));
    expect(text).toContain([...runLines(held)].join("\n"));
  }
  for (const section of sections) expect(runs[0]?.[section].length, section).toBeGreaterThan(50);
  // The next versions of the same table, of which 119 is the next delete.
  expect(runs[0]?.deleted[0]).toMatchObject({ table: "sessions.table_0", versionBefore: 35, versionAfter: 36 });
});

test("the output is written in small pieces of whole lines, however large the report is", async () => {
  write(Array.from({ length: 3_000 }, (_, number) => entry(number, `run ${Math.floor(number / 1_500)}`, "y".repeat(900))));
  for (const json of [false, true]) {
    const pieces = await printed(json);
    expect(pieces.length).toBeGreaterThan(50);
    for (const piece of pieces) {
      expect(piece.length).toBeLessThan(40_000);
      expect(piece.endsWith("\n")).toBe(true);
    }
  }
});

test("printing stops when nobody reads any more", async () => {
  write(Array.from({ length: 3_000 }, (_, number) => entry(number, "run", "y".repeat(900))));
  let writes = 0;
  await report(workspace, undefined, { json: true, write: async () => ++writes < 2 });
  expect(writes).toBe(2);
});

describe("a log that is changed while the report reads it again", () => {
  test.each([
    ["a line of a small run", 0],
    ["a line of a large run", 1_200],
  ])("%s: the report stops", async (_, padding) => {
    write(Array.from({ length: 2_000 }, (__, number) => entry(number, `run ${number < 1_000 ? 1 : 2}`, "z".repeat(padding))));
    let isFirst = true;
    const output: AuditOutput = {
      json: false,
      async write() {
        if (!isFirst) return true;
        isFirst = false;
        // The last line, with a hash that is right again.
        const lines = readFileSync(file, "utf8").trimEnd().split("\n");
        const {
          hash: _hash,
          previous,
          ...last
        } = JSON.parse(lines.at(-1) ?? "") as AuditEntry & { hash: string; previous: string };
        lines[lines.length - 1] = auditLine(previous, { ...last, who: "nobody 0" }).line;
        writeFileSync(file, `${lines.join("\n")}\n`);
        return true;
      },
    };
    await expect(report(workspace, undefined, output)).rejects.toMatchObject({ code: "EA8006" });
  });
});

test("a file that is no log has each line as a fault, in text and as JSON", async () => {
  writeFileSync(file, "x\n".repeat(30_000));
  const { ok, json, text } = await auditVerify(workspace);
  expect(ok).toBe(false);
  expect((json as { faults: unknown[] }).faults).toHaveLength(30_000);
  expect(text).toContain("… and 29990 more of 30,000 lines");
});

test("an unknown run is compared with all runs, but only some are listed", async () => {
  write(Array.from({ length: 100 }, (_, number) => entry(number, `${number}`.repeat(30))));
  await expect(auditReport(workspace, `${"77".repeat(29)}7`)).rejects.toThrow(`did you mean "${"77".repeat(30)}"?`);
  await expect(auditReport(workspace, "nothing like it")).rejects.toThrow(/known: (?:\d+, ){19}\d+, and more$/);
});

describe("reading lines", () => {
  test("finds the same lines whatever their length, also one after the other from any place", () => {
    const lengths = fc.array(
      fc.oneof(fc.nat(50), fc.nat(20_000), fc.constantFrom(262_143, 262_144, 1_048_575, 1_048_576, 1_048_577)),
      {
        minLength: 1,
        maxLength: 12,
      },
    );
    fc.assert(
      fc.property(lengths, fc.boolean(), fc.nat(), (all, ended, jump) => {
        const lines = all.map((length, index) => String.fromCharCode(97 + (index % 26)).repeat(length));
        writeFileSync(file, lines.join("\n") + (ended ? "\n" : ""));
        const opened = openSync(file, "r");
        const reader = new LogReader(opened);
        const read = (start?: number) =>
          Array.from(reader.lines(start), ({ bytes, from, to, ended, start, end }) => ({
            text: bytes?.toString("latin1", from, to),
            length: end - start,
            start,
            ended,
          }));
        const found = read();
        const wanted = !ended && lines.at(-1) === "" ? lines.slice(0, -1) : lines;
        const isLong = (line: string) => line.length > 1_048_576;
        expect(found.map(({ text }) => text)).toEqual(wanted.map((line) => (isLong(line) ? undefined : line)));
        expect(found.map(({ length }) => length)).toEqual(wanted.map(({ length }) => length));
        const from = found[jump % Math.max(1, found.length)];
        if (from) expect(read(from.start)).toEqual(found.slice(found.indexOf(from)));
        closeSync(opened);
      }),
      { numRuns: 60 },
    );
  });
});

test("numbers and distinct texts are found again, however many there are", () => {
  const column = numbers();
  const distinct = new Distinct();
  for (let number = 0; number < 100_000; number++) column.push(3 * number);
  for (let number = 0; number < 5_000; number++) expect(distinct.numberOf(`run ${number}`)).toBe(number);
  for (let number = 0; number < 100_000; number++) if (column.get(number) !== 3 * number) expect.fail(`at ${number}`);
  for (let number = 0; number < 5_000; number++) expect(distinct.numberOf(`run ${number}`)).toBe(number);
  expect(distinct.size).toBe(5_000);
});

test("lines of runs in turns are listed by run, from the log itself", () => {
  write(Array.from({ length: 300 }, (_, number) => entry(number, `run ${number % 3}`)));
  const opened = openSync(file, "r");
  const reader = new LogReader(opened);
  const [runs, verifier] = [new AuditRuns(), new AuditVerifier()];
  for (const line of reader.lines()) {
    expect(verifier.take(line.bytes, line.from, line.to, line.ended)).toBeUndefined();
    runs.take(verifier, line);
  }
  expect(Array.from(runs.runs(reader), ({ run, firstAt }) => [run, firstAt])).toEqual(
    [0, 1, 2].map((number) => [`run ${number}`, new Date(1_763_900_000_000 + number).toISOString()]),
  );
  closeSync(opened);
});
