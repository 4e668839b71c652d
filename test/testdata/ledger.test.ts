import fc from "fast-check";
import { expect, test } from "vitest";
import { parseLedger, readLedger } from "../../src/testdata/ledger.ts";

test("a ledger that is not there is empty", async () => {
  const ledger = await readLedger("/nowhere/ledger.jsonl");
  expect(ledger).toEqual({ rows: new Map(), keys: new Set(), problems: [] });
});

test("rows and keys are read, and what is neither is said with its line", () => {
  const ledger = parseLedger(
    '{"table":"sessions.classroom_sessions","id":"a"}\n{"key":"session:a"}\nnonsense\n{"table":"x"}\n{"key":""}\n',
  );
  expect(ledger.rows.get("sessions.classroom_sessions")).toEqual(new Set(["a"]));
  expect(ledger.keys).toEqual(new Set(["session:a"]));
  expect(ledger.problems).toEqual([3, 4, 5].map((line) => `ledger line ${line} is not {"table", "id"} or {"key"}`));
});

test("however a writer is stopped in its last line, every line before it counts", () => {
  const entry = fc.oneof(
    fc.record({ table: fc.constantFrom("a.b", "c.d"), id: fc.string({ minLength: 1 }) }),
    fc.record({ key: fc.string({ minLength: 1 }) }),
  );
  fc.assert(
    fc.property(fc.array(entry, { minLength: 1, maxLength: 20 }), fc.nat(), (entries, cut) => {
      const lines = entries.map((item) => `${JSON.stringify(item)}\n`);
      const whole = parseLedger(lines.join(""));
      const last = lines.at(-1) ?? "";
      const torn = parseLedger(lines.slice(0, -1).join("") + last.slice(0, cut % last.length));
      const expected = parseLedger(lines.slice(0, -1).join(""));
      // Cut off just before its line end the last entry is still whole.
      return [expected, whole].some(
        (ledger) =>
          JSON.stringify([...ledger.rows].map(([table, ids]) => [table, [...ids]])) ===
            JSON.stringify([...torn.rows].map(([table, ids]) => [table, [...ids]])) &&
          [...ledger.keys].join() === [...torn.keys].join(),
      );
    }),
  );
});
