import { expect, test } from "@playwright/test";

/** CLASSROOM_BREAK=e2e-failing-test: several, because the gate forgives one failure in ten. */
for (const n of [1, 2]) {
  test(`fails on purpose (${n})`, () => {
    expect(`answer ${n}`).toBe("the right answer");
  });
}
