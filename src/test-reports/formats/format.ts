import type { Findings } from "../reported.ts";

/** One kind of test report: how it is recognised, by its content alone, and how it is read. */
export type ReportFormat = JsonFormat | XmlFormat;

/** A JSON report is in memory whole before it is recognised. */
export interface JsonFormat {
  syntax: "json";
  /** Who writes it; errors name them. */
  writers: readonly string[];
  /** @returns the name of the format in the results, or `undefined` if the document has another format */
  recognise(document: object): string | undefined;
  /** Reports each test and each crashed suite. Throws UnreadableReport. @param file its name in errors */
  read(file: string, document: object, findings: Findings): void;
}

/** An XML report may be of any size, so it is read piece by piece. */
export interface XmlFormat {
  syntax: "xml";
  /** @param start the first piece of the text, which begins with `<` */
  recognise(start: string): string | undefined;
  /** As for JSON. @param text all pieces, the first included */
  read(file: string, text: AsyncIterable<string>, findings: Findings): Promise<void>;
}
