import { count, numberText } from "../../lib/count.ts";
import { type CrashedSuite, mostWholeTests, shortMessage, type TestCase, type TestResults } from "../../model/test-results.ts";
import { account, duration, endWords, firstLine, headline, place } from "../words.ts";
import { failureOf, isCall } from "./frames.ts";
import { failureBefore } from "./past.ts";
import type { Block, Entry, EntryResult, Inline, Line, Row, Table } from "./shapes.ts";

/** The tests and suites that did not pass. */

/** From so many on, readers ask first how many causes there are. */
const manyTests = 50;
const mostKinds = 10;
const longestMessage = 300;
/** Paths in one sentence. */
const mostSources = 3;

/** The tests and suites that did not pass, those that count first. */
export function failureBlocks(tests: TestResults | undefined, file: string): Block[] {
  if (!tests) return [];
  return [...failures(tests, file), ...crashedSuites(tests.crashedSuites, file), ...disagreements(tests.disagreements)];
}

function failures({ failures: tests, sources }: TestResults, file: string): Block[] {
  if (tests.length === 0) return [];
  // Failures that count come before known failures.
  const isExcused = (test: TestCase) => Number(test.quarantinedUntil !== undefined);
  const sorted = [...tests].sort((a, b) => isExcused(a) - isExcused(b));
  const often = frequentMessages(sorted);
  return [
    {
      kind: "entries",
      what: "failed test",
      title: failuresTitle(tests),
      entries: sorted.map(failure),
      ...(often ? { often } : {}),
      elsewhere: elsewhere(tests, file, sources),
    },
  ];
}

/** What the report has of all failed tests, and where more may be. */
function elsewhere(tests: readonly TestCase[], file: string, sources: TestResults["sources"]): Line {
  const report: Inline = { code: file };
  const all = numberText(tests.length);
  const stacks = tests.filter(({ stack }) => stack !== undefined).length;
  if (stacks === tests.length) return [report, ` has all ${all}, with messages and stacks.`];
  const kept =
    tests.length <= mostWholeTests
      ? `, and the stacks of ${numberText(stacks)}`
      : `, the stacks of ${numberText(stacks)}, and of messages after the first ${numberText(mostWholeTests)} the first ${shortMessage} characters`;
  const files = sources.slice(0, mostSources).flatMap(({ file }, at): Inline[] => [at === 0 ? " " : ", ", { code: file }]);
  const more = sources.length - mostSources;
  const others =
    files.length === 0
      ? []
      : [" Only the test reports can have more:", ...files, more > 0 ? ` and ${numberText(more)} more.` : "."];
  return [report, ` has all ${all}${kept}.`, ...others];
}

/** How many messages there are of each kind, if there are too many tests to read. */
function frequentMessages(tests: readonly TestCase[]): Table | undefined {
  if (tests.length < manyTests) return undefined;
  const kinds = new Map<string, { amount: number; first: TestCase; message: string }>();
  for (const test of tests) {
    const message = headline(briefOf(test)).slice(0, longestMessage).trim();
    // Messages that differ in numbers only, such as ids and times, are of one kind.
    const kind = message.replace(/\d+/g, "0");
    const known = kinds.get(kind);
    if (known) known.amount++;
    else kinds.set(kind, { amount: 1, first: test, message });
  }
  const often = [...kinds.values()].filter(({ amount }) => amount > 1).sort((a, b) => b.amount - a.amount);
  if (often.length === 0) return undefined;
  const listed = often.slice(0, mostKinds);
  const others = (drawn: number) => tests.length - listed.slice(0, drawn).reduce((sum, { amount }) => sum + amount, 0);
  return {
    kind: "table",
    title: "Most frequent messages",
    columns: [{ title: "Tests", numeric: true }, { title: "Message, the first of its kind" }, { title: "First test" }],
    rows: listed.map(({ amount, first, message }): Row => {
      const where = place(first);
      return {
        cells: [numberText(amount), message, { line: [first.name], below: where === undefined ? [] : [{ code: where }] }],
      };
    }),
    loses: "list of frequent messages",
    rest: (drawn) => (others(drawn) > 0 ? `${count(others(drawn), "test")} with other messages.` : ""),
  };
}

function briefOf({ message, stack }: TestCase): string {
  return (message || stack) ?? "The test report has no message.";
}

/** `3 failed tests, 1 of them with an error`. */
function failuresTitle(tests: readonly TestCase[]): string {
  const unknown = tests.filter(({ status }) => status === "unknown").length;
  const errored = tests.filter((test) => test.errored && test.status !== "unknown").length;
  const failed = tests.length - unknown;
  const withError = errored === 0 ? "" : errored === failed ? " with an error" : `, ${numberText(errored)} of them with an error`;
  return [
    ...(failed > 0 ? [`${count(failed, "failed test")}${withError}`] : []),
    ...(unknown > 0 ? [`${count(unknown, "test")} with an unknown result`] : []),
  ].join(", ");
}

function failure(test: TestCase): Entry {
  const { message, stack } = account(test);
  const where = place(test);
  const how = endWords(test);
  const { own, others } = stack ? failureOf(stack) : {};
  // Calls belong to the message; what else a report has, such as pytest's code, begins a paragraph.
  const between = isCall(firstLine(own ?? "")) ? "\n" : "\n\n";
  const first = own === undefined ? undefined : [message, own].filter(Boolean).join(between);
  return {
    name: test.name,
    result: resultOf(test),
    ...(test.file === undefined ? {} : { file: test.file }),
    ...(where ? { place: where } : {}),
    about: [
      ...(how === "failed" ? [] : [how]),
      ...(test.project ? [test.project] : []),
      ...(test.attempts > 1 ? [`${test.attempts} attempts`] : []),
      ...(test.quarantinedUntil ? [`quarantined until ${test.quarantinedUntil}`] : []),
      duration(test.durationMs),
      ...failureBefore(test.past),
    ],
    brief: briefOf(test),
    ...(first === undefined ? {} : { whole: others === undefined ? [first] : [first, others] }),
  };
}

function resultOf({ quarantinedUntil, status, errored }: TestCase): EntryResult {
  if (quarantinedUntil !== undefined) return "quarantined";
  if (status === "unknown") return "unknown";
  return errored ? "errored" : "failed";
}

function crashedSuites(suites: readonly CrashedSuite[], report: string): Block[] {
  if (suites.length === 0) return [];
  const title = `${count(suites.length, "test file")} could not be loaded, or failed outside of ${suites.length === 1 ? "its" : "their"} tests`;
  const entries = suites.map(
    ({ file, message, quarantinedUntil, past }): Entry => ({
      name: { code: file },
      result: quarantinedUntil === undefined ? "crashed" : "quarantined",
      file,
      about: [...(quarantinedUntil ? [`quarantined until ${quarantinedUntil}`] : []), ...failureBefore(past)],
      brief: message,
    }),
  );
  const elsewhere: Line = [{ code: report }, ` has all ${numberText(suites.length)}, with their messages.`];
  return [{ kind: "entries", what: "crashed suite", title, entries, elsewhere }];
}

function disagreements(lines: readonly string[]): Block[] {
  if (lines.length === 0) return [];
  return [{ kind: "list", title: "The test reports disagree", tone: "warning", items: lines, loses: "problem" }];
}
