import { test } from "node:test";

test("passes, and then something fails", () => {
  setTimeout(() => {
    throw new Error("too late");
  }, 20);
});
