import { type Findings, messageOf, passedLaterMessage, type ReportedTest, UnreadableReport, wholeRun } from "../../reported.ts";
import type { TextFormat } from "../format.ts";
import { eachObject, firstObject, numberIn, objectIn, textIn } from "../lines/lines.ts";
import { unknownStatus } from "../lines/unknown-status.ts";
import { Features, type Identity } from "./features.ts";
import { outcomeOf, type StepResult } from "./steps.ts";

/** Cucumber messages, one JSON object per line: `--format message:FILE`. */
export const cucumberMessages: TextFormat = {
  syntax: "text",
  writers: ["Cucumber messages"],
  recognise,
  read,
};

function recognise(start: string): string | undefined {
  const first = firstObject(start);
  const meta = first && objectIn(first, "meta");
  return meta && textIn(meta, "protocolVersion") !== undefined ? "cucumber-messages" : undefined;
}

async function read(file: string, text: AsyncIterable<string>, findings: Findings): Promise<void> {
  const reader = new MessagesReader(file, findings);
  await eachObject(file, text, (message, line) => reader.message(message, line));
  reader.end();
}

/** A scenario that will run. */
interface Case {
  identity: Identity;
  steps: number;
  /** Attempts that ended. */
  attempts: number;
  durationMs: number;
  /** Of the first attempt that failed. */
  trouble: Trouble | undefined;
}

interface Trouble {
  message: string;
  stack: string;
}

interface Attempt {
  caseId: string;
  of: Case;
  results: StepResult[];
  durationMs: number;
}

class MessagesReader {
  readonly #file: string;
  readonly #findings: Findings;
  readonly #features = new Features();
  readonly #cases = new Map<string, Case>();
  readonly #open = new Map<string, Attempt>();
  /** Whether a step that is not written yet makes a scenario fail is only known at the end. */
  readonly #unwritten: ReportedTest[] = [];
  #troubles = 0;
  #line = 0;
  #finished: object | undefined;

  constructor(file: string, findings: Findings) {
    this.#file = file;
    this.#findings = findings;
  }

  message(message: object, line: number): void {
    this.#line = line;
    for (const [kind, value] of Object.entries(message)) {
      if (typeof value === "object" && value !== null) this.#receive(kind, value);
    }
  }

  #receive(kind: string, value: object): void {
    if (kind === "gherkinDocument") this.#features.document(value);
    else if (kind === "pickle") this.#features.pickle(value);
    else if (kind === "testCase") this.#case(value);
    else if (kind === "testCaseStarted") this.#start(value);
    else if (kind === "testStepFinished") this.#step(value);
    else if (kind === "testCaseFinished") this.#finish(value);
    else if (kind === "testRunHookFinished") this.#hook(objectIn(value, "result"));
    else if (kind === "parseError") this.#parseError(value);
    else if (kind === "testRunFinished") this.#finished = value;
  }

  #case(value: object): void {
    const [id, pickle] = [textIn(value, "id"), textIn(value, "pickleId")];
    if (id !== undefined && this.#cases.has(id)) return;
    const identity = pickle === undefined ? undefined : this.#features.take(pickle);
    const steps: unknown = Reflect.get(value, "testSteps");
    if (id === undefined || !identity || !Array.isArray(steps)) throw this.#damaged("expected a test case of a known scenario");
    this.#cases.set(id, { identity, steps: steps.length, attempts: 0, durationMs: 0, trouble: undefined });
  }

  #start(value: object): void {
    const [id, caseId] = [textIn(value, "id"), textIn(value, "testCaseId")];
    const of = caseId === undefined ? undefined : this.#cases.get(caseId);
    if (id === undefined || caseId === undefined || !of) throw this.#damaged("expected the start of a known test case");
    if (!this.#open.has(id)) this.#open.set(id, { caseId, of, results: [], durationMs: 0 });
  }

  #step(value: object): void {
    const attempt = this.#open.get(textIn(value, "testCaseStartedId") ?? "");
    const result = objectIn(value, "testStepResult");
    if (!attempt || !result) throw this.#damaged("expected the result of a step in a test case that began");
    attempt.results.push(resultOf(result));
    const duration = objectIn(result, "duration") ?? {};
    attempt.durationMs += (numberIn(duration, "seconds") ?? 0) * 1_000 + (numberIn(duration, "nanos") ?? 0) / 1_000_000;
  }

  #finish(value: object): void {
    const id = textIn(value, "testCaseStartedId") ?? "";
    const attempt = this.#open.get(id);
    if (!attempt) throw this.#damaged("expected the end of a test case that began");
    this.#open.delete(id);
    const { of, results } = attempt;
    of.attempts++;
    of.durationMs += attempt.durationMs;
    const outcome = outcomeOf(results);
    if (Reflect.get(value, "willBeRetried") === true) {
      of.trouble ??= outcome.trouble;
      return;
    }
    this.#cases.delete(attempt.caseId);
    // Cucumber says of each step how it ended, also of those that it skips after a failure.
    if ((outcome.status === "passed" || outcome.status === "skipped") && results.length < of.steps)
      this.#report(of, unknownStatus, said(`expected the results of ${of.steps} steps, got ${results.length}`));
    else if (outcome.status === "passed" && of.attempts > 1)
      this.#report(of, "flaky", of.trouble ?? said(passedLaterMessage(of.attempts)));
    else if (outcome.unwritten) this.#unwritten.push(testOf(of, "failed", outcome.trouble));
    else this.#report(of, outcome.status, outcome.trouble);
  }

  #report(of: Case, status: ReportedTest["status"], trouble: Trouble | undefined): void {
    if (status === "failed" || status === "unknown") this.#troubles++;
    this.#findings.test(testOf(of, status, trouble));
  }

  #hook(result: object | undefined): void {
    const outcome = outcomeOf([resultOf(result ?? {})]);
    if (outcome.trouble) this.#crash(wholeRun, outcome.trouble.message);
  }

  #parseError(value: object): void {
    const source = objectIn(value, "source");
    this.#crash((source && textIn(source, "uri")) || wholeRun, textIn(value, "message") ?? "the file could not be parsed");
  }

  #crash(file: string, message: string): void {
    this.#troubles++;
    this.#findings.crashed({ file, message: messageOf(message) });
  }

  end(): void {
    const success = this.#finished !== undefined && Reflect.get(this.#finished, "success") === true;
    for (const test of this.#unwritten) {
      if (!success) this.#troubles++;
      this.#findings.test(success ? withoutTrouble(test) : test);
    }
    for (const { caseId, of, results } of this.#open.values()) {
      this.#cases.delete(caseId);
      this.#report({ ...of, attempts: of.attempts + 1 }, "failed", outcomeOf(results).trouble ?? said("it did not end"));
    }
    // It was not started, for example after a failure with --fail-fast; or not again, after one that failed.
    for (const of of this.#cases.values())
      this.#report({ ...of, attempts: Math.max(of.attempts, 1) }, of.trouble ? "failed" : "skipped", of.trouble);
    if (!this.#finished) throw this.#damaged("truncated: expected a last message testRunFinished, got none");
    if (success || this.#troubles > 0) return;
    const exception = objectIn(this.#finished, "exception") ?? this.#finished;
    const message = textIn(exception, "message") || "the report says that the run failed, though no scenario did";
    this.#findings.crashed({ file: wholeRun, message: messageOf(message) });
  }

  #damaged(cause: string): UnreadableReport {
    const whole = cause.startsWith("truncated") ? cause : `damaged: ${cause}`;
    return new UnreadableReport("EA6004", this.#file, whole, `line ${this.#line}`);
  }
}

function said(message: string): Trouble {
  return { message, stack: message };
}

function resultOf(result: object): StepResult {
  const exception = objectIn(result, "exception");
  const thrown = exception && (textIn(exception, "stackTrace") ?? textIn(exception, "message"));
  return { word: (textIn(result, "status") ?? "").toLowerCase(), name: "", message: textIn(result, "message") ?? thrown };
}

function testOf(
  { identity, attempts, durationMs }: Case,
  status: ReportedTest["status"],
  trouble: Trouble | undefined,
): ReportedTest {
  const { titles, file, line } = identity;
  return {
    titles,
    status,
    durationMs: Math.max(durationMs, 0),
    attempts,
    ...(file ? { file } : {}),
    ...(line ? { line } : {}),
    ...trouble,
  };
}

/** If Cucumber is not strict. */
function withoutTrouble({ message: _message, stack: _stack, ...test }: ReportedTest): ReportedTest {
  return { ...test, status: "skipped" };
}
