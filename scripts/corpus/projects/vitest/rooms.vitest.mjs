import { afterAll, beforeAll, describe, expect, test } from "vitest";

let attempts = 0;

describe("rooms", () => {
  test("opens", () => {});
  test("fails <&>", () => expect("a & <b>").toBe("b"));
  test("errs", () => {
    throw new TypeError("no database");
  });
  test.skip("is skipped", () => {});
  test.todo("is to do");
  test.fails("is known to fail", () => expect(1).toBe(2));
  test.fails("was mended", () => {});
  test.each(["red", "blue"])("has %s", (colour) => expect(colour).toHaveLength(3));
  test("never ends", { timeout: 50 }, () => new Promise(() => {}));
  test("reconnects", { retry: 2 }, () => expect(++attempts).toBe(2));
});

describe("without a database", () => {
  beforeAll(() => {
    throw new Error("no database");
  });
  test("never runs", () => {});
});

describe("closes", () => {
  test("passes", () => {});
  afterAll(() => {
    throw new Error("still open");
  });
});
