import fc from "fast-check";
import { expect, it } from "vitest";
import { secretKeeper } from "../../src/app/secret-keeper.ts";
import { excerpt } from "../../src/config/assertion.ts";

// An answer that quotes the request is shortened before it is redacted. Half a secret must not be shown either.
it("a shortened secret is redacted like a whole one, wherever it was cut", () => {
  const secret = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9+/=_.]{11,59}$/);
  fc.assert(
    fc.property(secret, fc.nat(170), (hidden, before) => {
      const keeper = secretKeeper(() => undefined);
      keeper.add(hidden);
      const said = keeper.redact(`it answered 401: ${excerpt(`${"-".repeat(before)}${hidden} is wrong${" -".repeat(80)}`)}`);
      expect(said).not.toContain(hidden.slice(0, 6));
    }),
  );
});

it("text that only begins like a secret is not redacted, and an ellipsis without a secret is not either", () => {
  const keeper = secretKeeper(() => undefined);
  keeper.add("abcdefghijkl");
  for (const text of ["abcdef", "abcde…", "…", "x… abcdefg y…", "12345…"]) expect(keeper.redact(text)).toBe(text);
  expect(keeper.redact("a abcdefg…, abcdefghijkl…")).toBe("a ***…, ***…");
});
