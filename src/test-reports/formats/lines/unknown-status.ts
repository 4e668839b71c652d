import type { TestStatus } from "../../../model/test-results.ts";

/** A word that no version of the tool is known to write is never taken for passed. */
export const unknownStatus: TestStatus = "unknown";
