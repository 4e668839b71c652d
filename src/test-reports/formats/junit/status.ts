import type { TestStatus } from "../../../model/test-results.ts";

/**
 * How a test ended, in the words of the tools. Tools without such attributes use elements alone. A word that is not here is
 * unknown, and a test of unknown result never counts as passed.
 */

const passed = "passed pass ok success successful succeeded run completed complete executed finished done true expected fixed";
/** Also tests that a tool never finished, and those that it calls a surprise. */
const failed = `
  failed fail failure failing false error errored errors broken timeout timedout ko notok aborted abort crashed crash crashing
  killed interrupted exception fatal panic panicked unexpected unexpectedsuccess unexpectedpass xpass regression invalid
  notrunnable undefined ambiguous cancelled canceled stopped terminated hung running started disconnected
  setupfailed setuperror teardownfailed teardownerror hookfailed hookerror cleanuperror`;
/** GoogleTest and CTest say notrun, disabled and suppressed; xfail and todo are failures that the author expects. */
const skipped = `
  skipped skip ignored ignore disabled notrun notexecuted suppressed pending todo xfail xfailed expectedfailure expectedfail
  inconclusive inactive excluded filtered deselected omitted unimplemented untested`;
const flaky = "flaky unstable";

function listed(words: string, status: TestStatus): [string, TestStatus][] {
  return words
    .trim()
    .split(/\s+/)
    .map((word) => [word, status]);
}

const known: ReadonlyMap<string, TestStatus> = new Map([
  ...listed(passed, "passed"),
  ...listed(failed, "failed"),
  ...listed(skipped, "skipped"),
  ...listed(flaky, "flaky"),
]);

/** Worst first, to combine what several attributes say. */
const worst: readonly TestStatus[] = ["failed", "unknown", "flaky", "skipped", "passed"];

function meaning(word: string): TestStatus | undefined {
  // A word of this length is none, and a long text should not be worked on for every test.
  return word.length > 40 ? undefined : known.get(word.toLowerCase().replace(/[\s_-]/g, ""));
}

/** What the attributes say about the result, and the word that says it. `undefined`: nothing. */
export function statusInAttributes(attributes: Record<string, string>): { status: TestStatus; word: string } | undefined {
  // Most tests say nothing, and there may be a million.
  if (!saysAnything(attributes)) return undefined;
  const said = saidByFlags(attributes);
  for (const name of ["status", "result", "outcome", "state"]) {
    const word = attributes[name]?.trim();
    if (word) said.push({ status: meaning(word) ?? "unknown", word });
  }
  return said.sort((a, b) => worst.indexOf(a.status) - worst.indexOf(b.status))[0];
}

/** Attributes that say yes or no, and how a test ended that says so. Without a word that means yes or no, they are something else. */
const flags: readonly [name: string, says: boolean, status: TestStatus][] = [
  ["success", false, "failed"],
  ["passed", false, "failed"],
  ["failed", true, "failed"],
  ["errored", true, "failed"],
  ["crashed", true, "failed"],
  ["skipped", true, "skipped"],
  ["ignored", true, "skipped"],
  ["disabled", true, "skipped"],
  ["executed", false, "skipped"],
  ["flaky", true, "flaky"],
];

/** Whether there is any of the attributes. To name each of them is several times as fast as to look for each name of a list. */
function saysAnything(attributes: Record<string, string>): boolean {
  const { status, result, outcome, state, success, passed, failed, errored, crashed } = attributes;
  const { skipped, ignored, disabled, executed, flaky } = attributes;
  const word = status || result || outcome || state;
  const flag = success || passed || failed || errored || crashed || skipped || ignored || disabled || executed || flaky;
  return Boolean(word || flag);
}

function saidByFlags(attributes: Record<string, string>): { status: TestStatus; word: string }[] {
  const said: { status: TestStatus; word: string }[] = [];
  for (const [name, says, status] of flags) {
    const word = attributes[name]?.trim().toLowerCase();
    if (!word) continue;
    const [isYes, isNo] = [["true", "1", "yes"].includes(word), ["false", "0", "no"].includes(word)];
    if (says ? isYes : isNo) said.push({ status, word: `${name}: ${word}` });
    // This one has no other meaning.
    else if (name === "success" && !isYes) said.push({ status: "unknown", word: `${name}: ${word}` });
  }
  return said;
}

/** How often the test was tried again, if an attribute says it. */
export function retriesInAttributes({ retries, retry, reruns, attempts }: Record<string, string>): number {
  if (!(retries || retry || reruns || attempts)) return 0;
  const again = [retries, retry, reruns].map(Number);
  const most = Math.max(0, ...again.filter((number) => number > 0), Number(attempts) - 1 || 0);
  return Math.min(Math.floor(most), 1_000);
}
