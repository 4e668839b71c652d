import { readFileSync } from "node:fs";
import { refresh } from "../../../src/staging/refresh/refresh.ts";
import type { RefreshRequest } from "../../../src/staging/refresh/request.ts";
import { openForCopy } from "../../../src/warehouse/access.ts";
import type { WarehouseSettings } from "../../../src/warehouse/connection.ts";
import { type PlainPolicies, plainRules } from "./rules.ts";
import { type Keys, portsOf, type Tables } from "./world.ts";

/** A process that only refreshes: `node runner.ts FILE`. Prints the result and the most memory that it had, in MB. */

export interface Job {
  settings: WarehouseSettings;
  tables: Tables;
  keys: Keys;
  policies: PlainPolicies;
  request: RefreshRequest;
}

const job = JSON.parse(readFileSync(process.argv[2] ?? "", "utf8")) as Job;
const copy = await openForCopy(
  job.settings,
  { catalog: job.request.copy, ownsCatalog: false },
  { signal: new AbortController().signal },
);
const result = await refresh(portsOf(copy, plainRules(job.policies), job.tables, job.keys), job.request);
await copy.close();
console.log(JSON.stringify({ result, megabytes: process.resourceUsage().maxRSS / 1024 }));
process.exit(0);
