import test from "ava";

test("opens", (t) => t.pass());
test("fails # here", (t) => t.is("a & <b>", "b"));
test("errs", () => {
  throw new TypeError("no database");
});
test.skip("is skipped", (t) => t.pass());
test.todo("is to do");
test.failing("is known to fail", (t) => t.is(1, 2));
test.failing("was mended", (t) => t.pass());
