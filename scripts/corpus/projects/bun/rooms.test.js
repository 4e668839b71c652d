import { beforeAll, describe, expect, test } from "bun:test";

let attempts = 0;

test("opens", () => {});
test("fails <&>", () => expect("a & <b>").toBe("b"));
test("errs", () => {
  throw new TypeError("no database");
});
test.skip("is skipped", () => {});
test.todo("is to do");
test("reconnects", () => expect(++attempts).toBe(2), { retry: 2 });
test("never ends", () => new Promise(() => {}), 50);
test.failing("is known to fail", () => expect(1).toBe(2));
test.failing("was mended", () => {});

describe("rooms", () => {
  describe("colours", () => {
    test.each(["red", "blue"])("has %s", (colour) => expect(colour.length).toBe(3));
  });
});

describe("without a database", () => {
  beforeAll(() => {
    throw new Error("no database");
  });
  test("never runs", () => {});
  test("never runs either", () => {});
});
