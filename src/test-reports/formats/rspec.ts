import { z } from "../../lib/zod.ts";
import type { TestStatus } from "../../model/test-results.ts";
import { type Findings, messageOf, stackOf, wholeRun } from "../reported.ts";
import type { JsonFormat } from "./format.ts";
import { count, lineNumber, listOf, requireDeclaredCount, text, title, unknownStatusMessage, validate } from "./json-document.ts";
import { unknownStatus } from "./lines/unknown-status.ts";

/** The JSON of `rspec --format json`. */

const exampleSchema = z.object({
  description: title,
  full_description: title,
  status: z.string(),
  file_path: text,
  line_number: lineNumber,
  run_time: z.number().nullish(),
  exception: z
    .object({
      class: text,
      message: text,
      backtrace: listOf(title),
    })
    .nullish(),
});

const reportSchema = z.object({
  examples: z.array(exampleSchema),
  summary: z.object({
    example_count: count,
    failure_count: count,
    pending_count: count,
    /** Not written before RSpec 3.6. */
    errors_outside_of_examples_count: count.nullish(),
  }),
  summary_line: z.string().nullish(),
  messages: z.array(z.string()).nullish(),
});

type Example = z.output<typeof exampleSchema>;

const statuses = new Map<string, TestStatus>([
  ["passed", "passed"],
  ["failed", "failed"],
  ["pending", "skipped"],
]);

export const rspec: JsonFormat = {
  syntax: "json",
  writers: ["RSpec"],
  recognise: (document) => ("examples" in document && "summary" in document ? "rspec-json" : undefined),
  read,
};

function read(file: string, document: object, findings: Findings): void {
  const { examples, summary, summary_line: line, messages } = validate(file, "RSpec", reportSchema, document);
  const seen = { passed: 0, failed: 0, skipped: 0, unknown: 0, flaky: 0 };
  for (const example of examples) {
    const status = statusOf(example);
    seen[status]++;
    report(example, status, findings);
  }
  const errors = summary.errors_outside_of_examples_count ?? 0;
  const told = (messages ?? []).filter((message) => /\bAn error occurred\b/.test(message.slice(0, longestStart)));
  // The line says it as well, so a damaged count is noticed.
  const inLine = Number(/, (\d+) errors? occurred outside of examples/.exec(line ?? "")?.[1] ?? 0);
  for (let index = 0; index < Math.max(errors, told.length, inLine > 0 ? 1 : 0); index++) {
    const message = told[index]?.trim();
    findings.crashed({
      file: (message && /(?:while loading |# )(?:\.\/)?(\S+?\.rb)\b/.exec(message)?.[1]) || wholeRun,
      message: messageOf(message ?? "an error occurred outside of the examples"),
    });
  }
  requireDeclaredCount(file, "examples", summary.example_count, examples.length);
  requireDeclaredCount(file, "failed examples", summary.failure_count, seen.failed + seen.unknown);
  requireDeclaredCount(file, "pending examples", summary.pending_count, seen.skipped + seen.unknown);
}

const longestStart = 200;

/** An example with an exception has failed, whatever its word is. */
function statusOf({ status, exception }: Example): TestStatus {
  const known = statuses.get(status) ?? unknownStatus;
  return known === "passed" && exception ? "failed" : known;
}

function report(example: Example, status: TestStatus, findings: Findings): void {
  const { description, full_description: full, file_path: source, line_number: line, run_time: time } = example;
  const groups = full.endsWith(` ${description}`) ? full.slice(0, -description.length - 1) : "";
  findings.test({
    titles: groups === "" ? [full || description] : [groups, description],
    status,
    durationMs: Math.max((time ?? 0) * 1_000, 0),
    attempts: 1,
    ...(source ? { file: source.replace(/^\.\//, "") } : {}),
    ...(line ? { line } : {}),
    ...(status === "failed" ? troubleOf(example) : {}),
    ...(status === "unknown" ? { message: unknownStatusMessage(example.status) } : {}),
  });
}

function troubleOf({ exception }: Example): { message: string; stack: string } {
  const text = exception?.message?.trim() || exception?.class || "the report gives no message";
  const frames = (exception?.backtrace ?? []).map((frame) => `    at ${frame}`);
  return { message: messageOf(text), stack: stackOf([text, ...frames].join("\n")) };
}
