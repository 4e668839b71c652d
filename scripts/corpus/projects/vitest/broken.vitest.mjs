import "./no-such-file.mjs";
import { test } from "vitest";

test("never runs", () => {});
