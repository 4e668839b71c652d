import "./no-such-file.mjs";
import { test } from "node:test";

test("never runs", () => {});
