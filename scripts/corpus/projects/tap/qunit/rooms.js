QUnit.module("rooms", () => {
  QUnit.test("opens", (assert) => assert.ok(true));
  QUnit.test("fails", (assert) => assert.equal("a & <b>", "b"));
  QUnit.test("errs", () => {
    throw new TypeError("no database");
  });
  QUnit.skip("is skipped", (assert) => assert.ok(false));
  QUnit.todo("is to do", (assert) => assert.ok(false));
  QUnit.todo("is done", (assert) => assert.ok(true));
  QUnit.test.each("colours", { red: "red", blue: "blue" }, (assert, colour) => assert.equal(colour.length, 3));
});
