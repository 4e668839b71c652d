test("is good", () => {});
