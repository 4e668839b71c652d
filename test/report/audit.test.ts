import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type AuditEntry, AuditVerifier, auditLine, verifyAudit } from "../../src/audit/chain.ts";
import { faultsOf } from "../harness/audit.ts";
import { hostileText } from "./hostile.ts";

const entry: fc.Arbitrary<AuditEntry> = fc.record({
  at: fc.constant("2026-11-23T17:14:12.300Z"),
  who: hostileText,
  run: fc.constant("1763917800000_9f3c1a7e"),
  environment: hostileText,
  stage: fc.constantFrom("preflight", "integration", "e2e", "smoke", "cleanup"),
  action: fc.constantFrom("decision", "statement"),
  details: fc.dictionary(
    fc.string(),
    fc.oneof(hostileText, fc.double({ noNaN: true, noDefaultInfinity: true }), fc.boolean(), fc.constant(null)),
  ),
  counts: fc.dictionary(fc.string(), fc.nat()),
});

function log(entries: readonly AuditEntry[]): string[] {
  let previous: string | undefined;
  return entries.map((one) => {
    const { line, hash } = auditLine(previous, one);
    previous = hash;
    return line;
  });
}

function text(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join("");
}

describe("an audit log", () => {
  test("that was not changed is valid, and its last hash is returned", () => {
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 6 }), (entries) => {
        const lines = log(entries);
        const last = lines.at(-1);
        const lastHash = last === undefined ? undefined : JSON.parse(last).hash;
        expect(verifyAudit(text(lines))).toEqual({ ok: true, lines: lines.length, lastHash });
        for (const line of lines) expect(line).not.toContain("\n");
      }),
    );
  });

  test("with one character changed, removed or added is invalid at that line", () => {
    const entries = fc.array(entry, { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(entries, fc.nat(), fc.nat(), fc.constantFrom("x", "0", " ", '"', ""), (all, line, at, character) => {
        const lines = log(all);
        const index = line % lines.length;
        const before = lines[index] ?? "";
        const place = at % before.length;
        const after = before.slice(0, place) + character + before.slice(place + 1);
        fc.pre(after !== before);
        lines[index] = after;
        expect(verifyAudit(text(lines))).toMatchObject({ ok: false, line: index + 1, torn: false });
        lines[index] = `${before.slice(0, place)}x${before.slice(place)}`;
        expect(verifyAudit(text(lines))).toMatchObject({ ok: false, line: index + 1, torn: false });
      }),
    );
  });

  test.each([
    ["a number that is too large", (line: string) => line.replace('"counts":{', '"counts":{"a":1e999,')],
    [
      "very deep nesting",
      (line: string) => line.replace('"counts":{', `"counts":{"a":${"[".repeat(5_000)}${"]".repeat(5_000)},`),
    ],
  ])("changed to hold %s is invalid at that line", (_, change) => {
    const [a = "", b = ""] = log(fc.sample(entry, { numRuns: 2, seed: 1 }));
    const changed = change(b);
    expect(changed).not.toBe(b);
    expect(verifyAudit(text([a, changed]))).toMatchObject({ ok: false, line: 2, torn: false });
  });

  test("with a line removed, doubled or moved is invalid at that place", () => {
    const [a = "", b = "", c = ""] = log(fc.sample(entry, { numRuns: 3, seed: 1 }));
    expect(verifyAudit(text([b, c]))).toMatchObject({ line: 1, why: expect.stringContaining("lines before it are missing") });
    expect(verifyAudit(text([a, c]))).toMatchObject({ line: 2, why: expect.stringContaining("does not follow") });
    expect(verifyAudit(text([a, a, b]))).toMatchObject({ line: 2, why: expect.stringContaining("does not follow") });
    expect(verifyAudit(text([a, c, b]))).toMatchObject({ line: 2, why: expect.stringContaining("does not follow") });
    expect(verifyAudit(text([a, "", b]))).toMatchObject({ line: 2, why: expect.stringContaining("not a line of an audit log") });
  });

  test("with any change of whole lines is invalid, at few lines", () => {
    const entries = fc.array(entry, { minLength: 3, maxLength: 8 });
    fc.assert(
      fc.property(entries, fc.nat(), fc.nat(), fc.constantFrom("remove", "double", "swap", "insert"), (all, one, other, what) => {
        const lines = log(all);
        // Not the last line: the log alone cannot show that lines at its end were removed.
        const index = one % (lines.length - 1);
        const line = lines[index] ?? "";
        const [foreign = ""] = log(fc.sample(entry, { numRuns: 1, seed: other }));
        const changed = [...lines];
        if (what === "remove") changed.splice(index, 1);
        if (what === "double") changed.splice(index, 0, line);
        if (what === "swap") changed.splice(index, 2, lines[index + 1] ?? "", line);
        if (what === "insert") changed.splice(index + 1, 0, foreign);
        const verified = verifyAudit(text(changed));
        expect(verified).toMatchObject({ ok: false, torn: false });
        const verifier = new AuditVerifier();
        const faults = faultsOf(changed, verifier);
        expect(faults[0]?.line).toBe(verified.ok ? 0 : verified.line);
        expect(faults.length).toBeLessThanOrEqual(3);
        expect(verifier.lines).toBe(changed.length);
      }),
    );
  });

  test("with two changed lines is invalid at exactly these two", () => {
    const lines = log(fc.sample(entry, { numRuns: 9, seed: 5 }));
    for (const index of [2, 6]) lines[index] = (lines[index] ?? "").replace("9f3c1a7e", "9f3c1a7f");
    expect(faultsOf(lines).map(({ line }) => line)).toEqual([3, 7]);
  });

  // If a member occurs twice, another reader may use the one that we ignore.
  test("with a member written twice is invalid, even if it parses to the same value", () => {
    const [line = ""] = log(fc.sample(entry, { numRuns: 1, seed: 2 }));
    const doubled = `{"who":"somebody else",${line.slice(1)}`;
    expect(JSON.parse(doubled)).toEqual(JSON.parse(line));
    expect(verifyAudit(text([doubled]))).toMatchObject({ ok: false, line: 1, torn: false });
  });

  test("whose last line is incomplete is torn at that line, not changed", () => {
    const [a = "", b = ""] = log(fc.sample(entry, { numRuns: 2, seed: 3 }));
    for (let length = 1; length < b.length; length++)
      expect(verifyAudit(`${a}\n${b.slice(0, length)}`)).toMatchObject({
        ok: false,
        line: 2,
        torn: true,
        lastHash: JSON.parse(a).hash,
      });
    expect(verifyAudit(`${a}\n${b}`), "only its line end is missing").toMatchObject({ ok: true, lines: 2 });
    expect(verifyAudit(`${a.slice(0, 9)}\n${b}\n`), "torn in the middle is a change").toMatchObject({ line: 1, torn: false });
  });
});

test("the order of an entry's members does not matter, and NaN is refused", () => {
  const [one] = fc.sample(entry, { numRuns: 1, seed: 4 });
  if (!one) throw new Error("fast-check gave no entry");
  const reversed = Object.fromEntries(Object.entries(one).reverse()) as unknown as AuditEntry;
  expect(auditLine("00", reversed)).toEqual(auditLine("00", one));
  expect(() => auditLine(undefined, { ...one, counts: { rows: Number.NaN } })).toThrow(TypeError);
});
