import { accessErrors } from "./access.ts";
import { configurationErrors, inputErrors } from "./configuration.ts";
import { databricksErrors, redisErrors } from "./connections.ts";
import type { ErrorEntry } from "./entry.ts";
import { historyErrors } from "./history.ts";
import { isolationErrors } from "./isolation.ts";
import { policyErrors } from "./policies.ts";
import { machineErrors, recordErrors } from "./records.ts";
import { refreshErrors } from "./refresh.ts";
import { processErrors, testDataErrors, testReportErrors } from "./runs.ts";
import { seedErrors } from "./seed.ts";
import { stagingErrors } from "./staging.ts";

export interface ErrorArea {
  title: string;
  entries: Readonly<Record<string, ErrorEntry>>;
}

const areas = [
  { title: "Configuration", entries: configurationErrors },
  { title: "Command line and inputs", entries: inputErrors },
  { title: "Identity and access", entries: accessErrors },
  { title: "Policies of a copy", entries: policyErrors },
  { title: "Copies of production", entries: stagingErrors },
  { title: "Databricks", entries: databricksErrors },
  { title: "Redis", entries: redisErrors },
  { title: "Servers and commands", entries: processErrors },
  { title: "Isolation", entries: isolationErrors },
  { title: "Test reports", entries: testReportErrors },
  { title: "Refreshing a copy of production", entries: refreshErrors },
  { title: "Seeding a copy of production", entries: seedErrors },
  { title: "Test data, undo and repair", entries: testDataErrors },
  { title: "Evidence and audit", entries: recordErrors },
  { title: "History", entries: historyErrors },
  { title: "GitHub and the machine", entries: machineErrors },
] as const satisfies readonly ErrorArea[];

/** Sorted by code. docs/reference/errors.md is generated from it. */
export const errorCatalogue: readonly ErrorArea[] = areas;

type KeysOfEach<Union> = Union extends unknown ? keyof Union : never;

/** Codes are permanent: each kind of error keeps its code, and a code is never reused. */
export type ErrorCode = KeysOfEach<(typeof areas)[number]["entries"]>;
