import { ctrf } from "./ctrf.ts";
import type { ReportFormat } from "./format.ts";
import { jest } from "./jest.ts";
import { junit } from "./junit/reader.ts";
import { playwright } from "./playwright.ts";

/** The first format that recognises a report reads it. JUnit accepts all XML, so it is last. */
// biome-ignore format: one line for each format
export const formats: readonly ReportFormat[] = [
  jest,
  playwright,
  ctrf,
  junit,
];
