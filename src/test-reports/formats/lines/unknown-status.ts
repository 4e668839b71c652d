import type { TestStatus } from "../../../model/test-results.ts";

/** A word that no version of the tool is known to write is never taken for passed. */
export const unknownStatus: TestStatus = "unknown";

export function unknownStatusMessage(word: string): string {
  return `the report gives its status as "${word.slice(0, 100)}", which is unknown`;
}
