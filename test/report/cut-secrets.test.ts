import fc from "fast-check";
import { expect, it } from "vitest";
import { secretKeeper } from "../../src/app/secret-keeper.ts";
import { excerpt } from "../../src/config/assertion.ts";

// Answers that quote what was sent are cut before anybody redacts them: the half of a secret is still too much of it.
it("a secret that was cut is hidden like a whole one, wherever the cut was", () => {
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

it("what only begins like a secret stays, and so does an ellipsis without one", () => {
  const keeper = secretKeeper(() => undefined);
  keeper.add("abcdefghijkl");
  for (const text of ["abcdef", "abcde…", "…", "x… abcdefg y…", "12345…"]) expect(keeper.redact(text)).toBe(text);
  expect(keeper.redact("a abcdefg…, abcdefghijkl…")).toBe("a ***…, ***…");
});
