import type { TestStatus } from "../../../model/test-results.ts";
import { type Findings, messageOf, stackOf, UnreadableReport, wholeRun } from "../../reported.ts";
import type { TextFormat } from "../format.ts";
import { unknownStatusMessage } from "../json-document.ts";
import { eachObject, firstObject, numberIn, objectIn, textIn } from "./lines.ts";
import { unknownStatus } from "./unknown-status.ts";

/** The JSON lines of `dart test --reporter json` and `flutter test --machine`. */
export const dart: TextFormat = {
  syntax: "text",
  writers: ["Dart"],
  recognise,
  read,
};

function recognise(start: string): string | undefined {
  const first = firstObject(start);
  return first && textIn(first, "type") === "start" && "protocolVersion" in first ? "dart-json" : undefined;
}

async function read(file: string, text: AsyncIterable<string>, findings: Findings): Promise<void> {
  const reader = new DartReader(file, findings);
  // Flutter writes lists for the tools that start it.
  await eachObject(file, text, (event, line) => reader.event(event, line));
  reader.end();
}

interface OpenTest {
  titles: string[];
  file: string | undefined;
  line: number | undefined;
  startedAt: number;
  error: { message: string; stack: string } | undefined;
}

class DartReader {
  readonly #file: string;
  readonly #findings: Findings;
  readonly #suites = new Map<number, string>();
  readonly #groups = new Map<number, string>();
  readonly #open = new Map<number, OpenTest>();
  #troubles = 0;
  #done: { success: boolean } | undefined;
  #line = 0;

  constructor(file: string, findings: Findings) {
    this.#file = file;
    this.#findings = findings;
  }

  event(event: object, line: number): void {
    this.#line = line;
    const type = textIn(event, "type");
    if (type === "suite") this.#suite(objectIn(event, "suite"));
    else if (type === "group") this.#group(objectIn(event, "group"));
    else if (type === "testStart") this.#start(objectIn(event, "test"), numberIn(event, "time") ?? 0);
    else if (type === "error") this.#error(event);
    else if (type === "testDone") this.#end(event);
    else if (type === "done") this.#done = { success: Reflect.get(event, "success") === true };
  }

  #suite(suite: object | undefined): void {
    const id = suite && numberIn(suite, "id");
    const path = suite && textIn(suite, "path");
    if (id !== undefined && path !== undefined) this.#suites.set(id, path);
  }

  #group(group: object | undefined): void {
    const id = group && numberIn(group, "id");
    const name = group && textIn(group, "name");
    if (id !== undefined && name) this.#groups.set(id, name);
  }

  #start(test: object | undefined, startedAt: number): void {
    const id = test && numberIn(test, "id");
    const name = test && textIn(test, "name");
    if (!test || id === undefined || name === undefined) throw this.#damaged("expected a test with an id and a name");
    const groups: unknown = Reflect.get(test, "groupIDs");
    const file = this.#suites.get(numberIn(test, "suiteID") ?? -1);
    this.#open.set(id, {
      titles: this.#titles(name, Array.isArray(groups) ? groups : []),
      file,
      // `line` may be in a helper; `root_line` is in the suite then.
      line: numberIn(test, "root_line") ?? numberIn(test, "line"),
      startedAt,
      error: undefined,
    });
  }

  /** Each name contains those of the groups around it. */
  #titles(name: string, groups: readonly unknown[]): string[] {
    const titles: string[] = [];
    let before = "";
    for (const id of groups) {
      const group = typeof id === "number" ? this.#groups.get(id) : undefined;
      if (group === undefined || !group.startsWith(before)) continue;
      titles.push(group.slice(before.length).trim());
      before = group;
    }
    return [...titles, name.startsWith(before) ? name.slice(before.length).trim() : name].filter((title) => title !== "");
  }

  #error(event: object): void {
    const error = textIn(event, "error") ?? "an error without a message";
    const stack = [error, textIn(event, "stackTrace") ?? ""].join("\n");
    const test = this.#open.get(numberIn(event, "testID") ?? -1);
    // The first error is the cause of the others.
    if (test) test.error ??= { message: messageOf(error), stack: stackOf(stack) };
    else this.#crash(wholeRun, `an error after its test had ended: ${error}`);
  }

  #end(event: object): void {
    const id = numberIn(event, "testID") ?? -1;
    const test = this.#open.get(id);
    if (!test) throw this.#damaged("expected the end of a test that began");
    this.#open.delete(id);
    const result = textIn(event, "result") ?? "";
    const hidden = Reflect.get(event, "hidden") === true;
    const skipped = Reflect.get(event, "skipped") === true;
    const passed = result === "success" && !test.error;
    if (!passed && this.#isLoading(test)) {
      this.#crash(loadedFile(test), test.error?.message ?? "the file could not be loaded");
      return;
    }
    if (hidden && passed) return;
    const failed = result === "failure" || result === "error" || (result === "success" && test.error !== undefined);
    const status = passed ? (skipped ? "skipped" : "passed") : failed ? "failed" : unknownStatus;
    const trouble = test.error ?? {
      message: failed ? "the report gives no message" : unknownStatusMessage(result),
      stack: "",
    };
    this.#report(test, status, (numberIn(event, "time") ?? 0) - test.startedAt, trouble);
  }

  /** A made-up test for loading a file. */
  #isLoading({ titles }: OpenTest): boolean {
    return titles.length === 1 && titles[0]?.startsWith("loading ") === true;
  }

  #report(
    { titles, file, line }: OpenTest,
    status: TestStatus,
    durationMs: number,
    trouble: { message: string; stack: string },
  ): void {
    const isTrouble = status === "failed" || status === "unknown";
    if (isTrouble) this.#troubles++;
    this.#findings.test({
      titles,
      status,
      durationMs: Math.max(durationMs, 0),
      attempts: 1,
      ...(file === undefined ? {} : { file }),
      ...(line ? { line } : {}),
      ...(isTrouble ? trouble : {}),
    });
  }

  #crash(file: string, message: string): void {
    this.#troubles++;
    this.#findings.crashed({ file, message: messageOf(message) });
  }

  end(): void {
    for (const test of this.#open.values()) {
      if (this.#isLoading(test)) this.#crash(loadedFile(test), test.error?.message ?? "the file was not loaded to its end");
      else this.#report(test, "failed", 0, test.error ?? { message: "it did not end", stack: "" });
    }
    if (!this.#done) throw this.#damaged("truncated: expected a last event done, got none");
    if (!this.#done.success && this.#troubles === 0)
      this.#crash(wholeRun, "the report says that the run failed, though no test and no file did");
  }

  #damaged(cause: string): UnreadableReport {
    return new UnreadableReport(
      "EA6004",
      this.#file,
      cause.startsWith("truncated") ? cause : `damaged: ${cause}`,
      `line ${this.#line}`,
    );
  }
}

function loadedFile({ titles, file }: OpenTest): string {
  return titles[0]?.slice("loading ".length) || file || wholeRun;
}
