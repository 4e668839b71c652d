import { expect, test } from "@playwright/test";

test("opens", () => {});
test("fails <&>", () => expect("a & <b>").toBe("b"));
test("errs", () => {
  throw new TypeError("no database");
});
test.skip("is skipped", () => {});
test.fixme("is to be mended", () => {});
test("is known to fail", () => {
  test.fail();
  expect(1).toBe(2);
});
test("was mended", () => {
  test.fail();
});
test("reconnects", ({}, info) => expect(info.retry).toBe(1));
for (const colour of ["red", "blue"]) test(`has ${colour}`, () => expect(colour).toHaveLength(3));
test("never ends", async () => {
  test.setTimeout(200);
  await new Promise(() => {});
});

test.describe("without a database", () => {
  test.beforeAll(() => {
    throw new Error("no database");
  });
  test("never runs", () => {});
  test("never runs either", () => {});
});

test.describe.serial("in a row", () => {
  test("breaks", () => expect(1).toBe(2));
  test("never runs", () => {});
});
