import { test } from "bun:test";
import { nothing } from "./no-such-file";

test("never runs", () => nothing());
