function equal(got, expected) {
  if (got !== expected) throw new Error(`expected ${expected}, got ${got}`);
}

Deno.test("opens", () => {});
Deno.test("fails <&>", () => equal("a & <b>", "b"));
Deno.test("errs", () => {
  throw new TypeError("no database");
});
Deno.test({ name: "is ignored", ignore: true, fn() {} });
Deno.test("has good steps", async (t) => {
  await t.step("one", () => {});
  await t.step({ name: "is ignored", ignore: true, fn() {} });
});
Deno.test("has a bad step", async (t) => {
  await t.step("one", () => {});
  await t.step("two", () => equal(1, 2));
});
Deno.test("leaks", () => {
  setTimeout(() => {}, 100_000);
});
for (const colour of ["red", "blue"]) Deno.test(`has ${colour}`, () => equal(colour.length, 3));
