import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { currentEvidence, parseEvidence } from "../../src/evidence/evidence.ts";
import { type GateQuestion, judgeGate } from "../../src/gate/judge.ts";
import { readAllowedSkips, readNeeds } from "../../src/gate/needs.ts";
import { gateLine, gateMarkdown } from "../../src/gate/texts.ts";
import type { Evidence, StageName, Verdict } from "../../src/model/report.ts";
import { commit, e2e, endedBy, left, results, usual } from "./attacks/question.ts";
import { gateRows } from "./attacks/rows.ts";

// Attacks and accidents: what the gate says to evidence that nobody should have written, and to runs that nobody planned. These rows ask
// the function in both orders of the evidence; processes.test.ts starts the program for each.

function judged(more: Partial<GateQuestion>) {
  return judgeGate({ ...usual(), ...more });
}

const judgedRows = gateRows.filter(([, , , , runner]) => typeof runner !== "object");

test.each(judgedRows)("%s", (_what, question, outcome, says) => {
  for (const evidence of [question.evidence, question.evidence?.toReversed()]) {
    const result = judged(evidence ? { ...question, evidence } : question);
    expect(result.outcome).toBe(outcome);
    // As in the log.
    const lines = [
      gateLine(result),
      ...result.stages.map(({ stage, outcome: ended, isOpen, why }) => `${isOpen ? "✔" : "✘"} ${stage} ${ended}: ${why}`),
      ...result.jobs.map(({ job, isOpen, why }) => `${isOpen ? "✔" : "✘"} job ${job}: ${why}`),
    ];
    expect(lines.join("\n")).toMatch(says);
  }
});

describe("a file that is no evidence is refused", () => {
  const good = left("e2e");
  test("and evidence is read", () => expect(parseEvidence(JSON.stringify(good))).toEqual(good));

  test.each<[string, unknown]>([
    ["nothing", null],
    ["a list", [good]],
    ["a text", "passed"],
    ["another version", { ...good, schemaVersion: "1" }],
    ["a verdict in capitals", { ...good, verdict: "PASSED" }],
    ["a verdict in a list", { ...good, verdict: ["passed"] }],
    ["a verdict of another tool", { ...good, verdict: "green" }],
    ["a stage that doesn't exist", { ...good, stage: "e2e-extra" }],
    ["a member of every object as stage", { ...good, stage: "constructor" }],
    ["no run id", { ...good, runId: "" }],
    ["a number as run id", { ...good, runId: 7 }],
    ["a group as environment", { ...good, environment: {} }],
    ["a number as head", { ...good, commit: { sha: commit.sha, headSha: 7 } }],
    ["no commit", { ...good, commit: null }],
    ["a list as commit", { ...good, commit: ["a"] }],
    ["a group as job", { ...good, origin: { ...good.origin, job: { name: "e2e" } } }],
    ["a list as cell", { ...good, origin: { ...good.origin, cell: ["a"] } }],
    ["a number as workflow run", { ...good, origin: { ...good.origin, workflowRun: 7 } }],
    ["an endless attempt", { ...good, origin: { ...good.origin, attempt: "Infinity" } }],
    ["a huge attempt", { ...good, origin: { ...good.origin, attempt: "1e308" } }],
    ["attempt 0", { ...good, origin: { ...good.origin, attempt: "0" } }],
    ["a negative attempt", { ...good, origin: { ...good.origin, attempt: "-1" } }],
    ["a fraction of an attempt", { ...good, origin: { ...good.origin, attempt: "1.5" } }],
    ["another kind of origin", { ...good, origin: { ...good.origin, kind: "gitlab" } }],
    ["a date that is none", { ...good, finishedAt: "soon" }],
    ["a number as date", { ...good, finishedAt: 5 }],
    ["a list as project", { ...good, project: ["a"] }],
    ["no digest", { ...good, reportDigest: undefined }],
  ])("%s", (_what, value) => {
    expect(() => parseEvidence(JSON.stringify(value))).toThrow(
      "expected evidence of this version of env-actions, got another file",
    );
  });

  test("its prototype is not that of others", () => {
    const text = JSON.stringify(good).replace("{", '{"__proto__":{"verdict":"passed","polluted":true},');
    expect(parseEvidence(text).verdict).toBe("passed");
    expect(Object.hasOwn(Object.prototype, "polluted")).toBe(false);
    expect(() => parseEvidence('{"__proto__":{"schemaVersion":1,"stage":"e2e","verdict":"passed"}}')).toThrow("got another file");
  });

  test("whatever JSON it is: refused or complete, and never a crash of the gate", () => {
    const anything = fc.oneof(fc.jsonValue(), fc.constant("x"), fc.constant(1e308));
    fc.assert(
      fc.property(fc.constantFrom(...Object.keys(good), "project", "gateId", "auditHead"), anything, (member, value) => {
        let read: Evidence;
        try {
          read = parseEvidence(JSON.stringify({ ...good, [member]: value }));
        } catch {
          return;
        }
        const result = judged(endedBy(read));
        expect(gateMarkdown(result, commit.headSha).length).toBeLessThan(65_000);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe("allowed skips", () => {
  test.each(["constructor", "__proto__", "toString", "hasOwnProperty", "valueOf", "TRUE", "1", "yes", "${{", "true,"])(
    "are no words of JavaScript: %s",
    (word) => {
      expect(() => readAllowedSkips(`e2e: ${word}`)).toThrow(/expected lines such as/);
    },
  );

  test("a name has one line", () => {
    expect(() => readAllowedSkips("e2e: false\ne2e: true")).toThrow(/expected one line for e2e, got several/);
  });
});

describe("needs", () => {
  test.each([
    '{"__proto__":{"result":"green"}}',
    '{"a":{"result":["success"]}}',
    '{"a":{"__proto__":{"result":"success"}}}',
    '{"a":null}',
    "7",
    '"success"',
  ])("of another shape are refused: %s", (text) => {
    expect(() => readNeeds(text)).toThrow(/EA1104|`needs`/);
  });
});

describe("texts from outside", () => {
  const hostile = "<img src=x> | @someone [a](http://b) `x` ##[error]x\n::error::y\u202e\u001b[31m";

  test("can't add anything to the summary or the comment", () => {
    const result = judged({
      ...endedBy(e2e("failed", { job: hostile, cell: hostile, environment: hostile }), e2e(hostile as Verdict)),
      jobs: [...results("failure"), { id: hostile, result: "failure" }],
      project: undefined,
    });
    const text = gateMarkdown(result, hostile);
    expect(text).not.toMatch(/<img|@someone|\]\(http|##\[|^::/m);
    expect(["\u202e", "\u001b"].filter((character) => text.includes(character))).toEqual([]);
    expect(
      text
        .split("\n")
        .filter((line) => line.startsWith("|"))
        .every((line) => line.endsWith("|")),
    ).toBe(true);
  });

  test("a job's name can't add anything to the sentence", () => {
    const result = judged({ jobs: [...results("success"), { id: hostile, result: "failure" }] });
    expect(gateMarkdown(result, commit.headSha)).not.toMatch(/<img|@someone|\]\(http/);
    expect(gateLine(result).length).toBeLessThan(1_000);
  });

  test("fit into a comment of GitHub, however many and long they are", () => {
    const long = "@".repeat(5_000);
    const jobs = Array.from({ length: 600 }, (_, index) => ({ id: `${long}${index}`, result: "failure" as const }));
    const many = (stage: StageName) =>
      Array.from({ length: 300 }, (_, index) => left(stage, "error", { cell: `${long}${index}`, environment: long }));
    const result = judged({
      jobs,
      evidence: [...many("preflight"), ...many("integration"), ...many("e2e")],
      stages: ["preflight", "integration", "e2e", "smoke", "cleanup"],
    });
    const text = gateMarkdown(result, commit.headSha);
    expect(text.length).toBeLessThan(65_000);
    expect(text).toMatch(/\d+ more jobs did not succeed/);
  });

  test("what is left out is not called passed", () => {
    const failures = Array.from({ length: 70 }, (_, index) => e2e("failed", { cell: String(index) }));
    const passes = Array.from({ length: 10 }, (_, index) => e2e("passed", { cell: `p${index}` }));
    expect(gateMarkdown(judged(endedBy(...passes, ...failures)), commit.headSha)).toContain("30 more, of which 20 did not pass");
  });
});

test("evidence of 100,000 cells is judged without a crash, and each only a few times", () => {
  let looks = 0;
  const evidence = Array.from({ length: 100_000 }, (_, index) => {
    const one = e2e(index === 70_000 ? "failed" : "passed", { cell: String(index) });
    return Object.defineProperty(one, "environment", {
      get() {
        looks += 1;
        return "sandbox";
      },
    });
  });
  expect(currentEvidence(evidence)).toHaveLength(100_000);
  expect(looks).toBeLessThan(500_000);
  expect(judged(endedBy(...evidence)).outcome).toBe("failed");
});
