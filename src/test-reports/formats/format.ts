import type { Findings } from "../reported.ts";
import { ctrf } from "./ctrf.ts";
import { cucumberJson } from "./cucumber/json.ts";
import { cucumberMessages } from "./cucumber/messages.ts";
import { jest } from "./jest.ts";
import type { Branch, RowReader } from "./json/rows.ts";
import { junit } from "./junit/reader.ts";
import { dart } from "./lines/dart.ts";
import { go } from "./lines/go.ts";
import { mocha } from "./mocha/mocha.ts";
import { mochawesome } from "./mocha/mochawesome.ts";
import { nunit } from "./nunit.ts";
import { playwright } from "./playwright.ts";
import { robot } from "./robot.ts";
import { rspec } from "./rspec.ts";
import { tap } from "./tap/reader.ts";
import { testng } from "./testng.ts";
import { trx } from "./trx.ts";
import { xunit } from "./xunit.ts";

/** A format of test reports: how to recognise it, by content alone, and how to read it. */
export type ReportFormat = JsonFormat | JsonRowsFormat | XmlFormat | TextFormat;

/** A JSON report that is built as a whole. For formats whose reports stay small. */
export interface JsonFormat {
  syntax: "json";
  /** The tools that write it, for error messages. */
  writers: readonly string[];
  /** @returns the format's name for the results; `undefined` if the document has another format */
  recognise(document: object): string | undefined;
  /** Reports each test and each crashed suite. @throws UnreadableReport @param file its name in errors */
  read(file: string, document: object, findings: Findings): void;
}

/** A JSON report that may have any size: its rows are read one at a time. */
export interface JsonRowsFormat {
  syntax: "json-rows";
  writers: readonly string[];
  /** What is read of a report, and where its rows are. */
  branch: Branch;
  /** @param document without its rows */
  recognise(document: object): string | undefined;
  /** Like `JsonFormat`, but in steps: `end` is called after the last row. @throws UnreadableReport, as the steps do */
  read(file: string, document: object, findings: Findings): RowReader & { end(): void };
}

/** An XML report may have any size, so it is read in chunks. */
export interface XmlFormat {
  syntax: "xml";
  /** Its name for the results. */
  name: string;
  writers: readonly string[];
  /** The names of its outermost element, each in no other format. */
  roots: readonly string[];
  /** Like JSON. @param text all chunks */
  read(file: string, text: AsyncIterable<string>, findings: Findings): Promise<void>;
}

/** A report in lines, such as TAP or one JSON object per line. It may have any size, too. */
export interface TextFormat {
  syntax: "text";
  writers: readonly string[];
  /** @param start the first chunk of the text @returns the format's name for the results */
  recognise(start: string): string | undefined;
  /** Like XML. */
  read(file: string, text: AsyncIterable<string>, findings: Findings): Promise<void>;
}

/** The first format that recognises a report reads it. */
// biome-ignore format: one line for each format
export const formats: readonly ReportFormat[] = [
  jest,
  playwright,
  ctrf,
  junit,
  trx,
  nunit,
  xunit,
  robot,
  testng,
  tap,
  go,
  dart,
  cucumberJson,
  cucumberMessages,
  mocha,
  mochawesome,
  rspec,
];
