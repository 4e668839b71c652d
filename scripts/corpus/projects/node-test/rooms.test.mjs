import assert from "node:assert";
import { after, before, describe, it, test } from "node:test";

test("opens", () => {});
test("fails <&>", () => assert.equal("a & <b>", "b"));
test("errs", () => {
  throw new TypeError("no database");
});
test("is skipped", { skip: "not yet" }, () => {});
test("skips itself", (t) => t.skip("only on Mars"));
test("is to do", { todo: "later" }, () => {});
test("is to do and fails", { todo: true }, () => assert.fail("not done"));
test("never ends", { timeout: 50 }, () => new Promise((done) => setTimeout(done, 500)));

describe("rooms", () => {
  it("opens", () => {});
  describe("colours", () => {
    for (const colour of ["red", "blue"]) it(`has ${colour}`, () => assert.equal(colour.length, 3));
  });
});

describe("without a database", () => {
  before(() => {
    throw new Error("no database");
  });
  it("never runs", () => {});
  it("never runs either", () => {});
});

describe("closes", () => {
  it("passes", () => {});
  after(() => {
    throw new Error("still open");
  });
});
