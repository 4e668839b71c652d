let attempts = 0;

describe("rooms", () => {
  test("opens", () => {});
  test("fails <&>", () => expect("a & <b>").toBe("b"));
  test("errs", () => {
    throw new TypeError("no database");
  });
  test.skip("is skipped", () => {});
  test.todo("is to do");
  test.failing("is known to fail", () => expect(1).toBe(2));
  test.failing("was mended", () => {});
  test.each(["red", "blue"])("has %s", (colour) => expect(colour).toHaveLength(3));
});

describe("connections", () => {
  jest.retryTimes(2);
  test("reconnects", () => expect(++attempts).toBe(2));
  test("never reconnects", () => {
    throw new Error("refused");
  });
});

describe("without a database", () => {
  beforeAll(() => {
    throw new Error("no database");
  });
  test("never runs", () => {});
  test("never runs either", () => {});
});

describe("closes", () => {
  test("passes", () => {});
  afterAll(() => {
    throw new Error("still open");
  });
});
