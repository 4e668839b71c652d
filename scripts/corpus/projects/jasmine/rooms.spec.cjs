describe("rooms", () => {
  it("opens", () => expect(1).toBe(1));
  it("fails <&>", () => expect("a & <b>").toBe("b"));
  it("errs", () => {
    throw new TypeError("no database");
  });
  xit("is excluded", () => {});
  it("is pending");
  it("says that it is pending", () => pending("not yet"));
  for (const colour of ["red", "blue"]) it(`has ${colour}`, () => expect(colour.length).toBe(3));
});
