import { expect, it } from "vitest";

/** CLASSROOM_BREAK=failing-test: several, because the gate tolerates a few failures in a hundred. */
it.each([1, 2, 3, 4])("fails on purpose (%i)", (n) => {
  expect(`answer ${n}`).toBe("the right answer");
});
