import assert from "node:assert";
import { describe, it, test } from "node:test";

test("has parts", async (t) => {
  await t.test("a good part", () => {});
  await t.test("a bad part", () => assert.fail("bad"));
});

describe.skip("all skipped", () => {
  it("one", () => {});
  it("two", () => {});
});
