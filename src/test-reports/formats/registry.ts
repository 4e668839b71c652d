import { ctrf } from "./ctrf.ts";
import type { ReportFormat } from "./format.ts";
import { jest } from "./jest.ts";
import { junit } from "./junit/reader.ts";
import { playwright } from "./playwright.ts";

/** A report has the first format that recognises it. JUnit takes all XML, so it comes last. */
// biome-ignore format: one line for each format
export const formats: readonly ReportFormat[] = [
  jest,
  playwright,
  ctrf,
  junit,
];
