import { readFileSync } from "node:fs";
import { publish } from "../../scripts/release/publish.ts";
import type { Attempt } from "./place.ts";
import { placeOf } from "./place.ts";

/** One attempt at a release as a process of its own, which a test may kill: `node attempt.ts FILE`. */

const attempt = JSON.parse(readFileSync(process.argv[2] ?? "", "utf8")) as Attempt;
await publish(placeOf(attempt), attempt.built.sources, attempt.built.commits, attempt.built.files);
