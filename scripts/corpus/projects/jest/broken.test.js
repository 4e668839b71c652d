require("./no-such-file");

test("never runs", () => {});
