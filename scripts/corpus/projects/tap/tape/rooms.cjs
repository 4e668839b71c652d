const test = require("tape");

test("opens", (t) => {
  t.pass("open");
  t.end();
});
test("fails", (t) => {
  t.equal("a # b", "b", "is b # not a directive");
  t.ok(true, "goes on");
  t.end();
});
test("is skipped", { skip: true }, (t) => t.end());
test("skips one", (t) => {
  t.skip("not here");
  t.end();
});
test("is to do", { todo: true }, (t) => {
  t.fail("not done");
  t.end();
});
