describe("is empty", () => {});
