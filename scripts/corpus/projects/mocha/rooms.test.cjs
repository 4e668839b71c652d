const assert = require("node:assert");

let attempts = 0;

describe("rooms", () => {
  it("opens", () => {});
  it("fails <&>", () => assert.equal("a\u001b[31m & <b>", "b"));
  it("errs", () => {
    throw new TypeError("no database");
  });
  it("is pending");
  it.skip("is skipped", () => {});
  it("skips itself", function () {
    this.skip();
  });
  it("reconnects", function () {
    this.retries(2);
    assert.equal(++attempts, 2);
  });
  it("never reconnects", function () {
    this.retries(1);
    assert.fail("refused");
  });
  describe("colours", () => {
    for (const colour of ["red", "blue"]) it(`has ${colour}`, () => assert.equal(colour.length, 3));
  });
  it("waits", async () => {
    await Promise.reject(new Error("rejected\nin two lines"));
  });
});

describe("without a database", () => {
  before(() => {
    throw new Error("no database");
  });
  it("never runs", () => {});
  it("never runs either", () => {});
});

describe("cleans up", () => {
  it("passes before the hook fails", () => {});
  it("never runs", () => {});
  afterEach("deletes rows", () => {
    throw new Error("rows were left");
  });
});

describe("closes", () => {
  it("passes", () => {});
  after(() => {
    throw new Error("still open");
  });
});

describe("is empty", () => {});
