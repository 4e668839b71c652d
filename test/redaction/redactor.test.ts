import fc from "fast-check";
import { expect, test } from "vitest";
import { Redactor } from "../../src/lib/redaction/redactor.ts";
import { anyCase } from "./cases.ts";
import { leaks } from "./searcher.ts";

const cases = Number(process.env.CASES ?? (process.env.LONG ? 10_000 : 300));

test("a secret in any encoding can't be read from redacted text", () => {
  fc.assert(
    fc.property(anyCase, ({ secret, text }) => {
      const redactor = new Redactor();
      redactor.add(secret);
      expect(leaks(redactor.redact(`x ${text} y`), [secret])).toEqual([]);
    }),
    { numRuns: cases },
  );
});
