/** Deterministic JSON reports of any size, as Jest, Playwright and CTRF's reporters write them. The chunks together are the report. */

export interface JsonShape {
  files: number;
  testsInFile: number;
}

const failsEvery = 500;
const skipsEvery = 100;

const stack = Array.from({ length: 10 }, (_, depth) => `    at step${depth} (/w/src/session.test.ts:${depth + 1}:7)`).join("\n");
const failure = `Error: expect(received).toEqual(expected)\n\n- Expected\n+ Received\n\n${stack}`;

function outcome(number: number): "failed" | "pending" | "passed" {
  if (number % failsEvery === 0) return "failed";
  return number % skipsEvery === 0 ? "pending" : "passed";
}

function failures({ files, testsInFile }: JsonShape): number {
  return Math.floor((files * testsInFile) / failsEvery);
}

/** The rows of each file, separated by commas. */
function* filesOf(
  shape: JsonShape,
  opened: (file: number) => string,
  row: (file: number, number: number) => object,
  closed: string,
) {
  for (let file = 0; file < shape.files; file++) {
    yield `${file > 0 ? "," : ""}${opened(file)}`;
    for (let test = 0; test < shape.testsInFile; test++)
      yield `${test > 0 ? "," : ""}${JSON.stringify(row(file, file * shape.testsInFile + test + 1))}`;
    yield closed;
  }
}

/** About 340 bytes per test. Like Jest, it writes a file's name after its tests. @param subject in all names */
export function* jestReport(shape: JsonShape, subject = "session"): Generator<string, void, void> {
  const failed = failures(shape);
  yield `{"numFailedTests":${failed},"numRuntimeErrorTestSuites":0,"numTotalTests":${shape.files * shape.testsInFile},"success":${failed === 0},"testResults":[`;
  for (let file = 0; file < shape.files; file++) {
    yield `${file > 0 ? "," : ""}{"assertionResults":[`;
    let worst = "passed";
    for (let test = 0; test < shape.testsInFile; test++) {
      const number = file * shape.testsInFile + test + 1;
      const status = outcome(number);
      if (status === "failed") worst = "failed";
      yield `${test > 0 ? "," : ""}${JSON.stringify({
        ancestorTitles: [`${subject} ${file}`, "keeps its groups"],
        duration: number % 97,
        failing: false,
        failureDetails: [],
        failureMessages: status === "failed" ? [failure] : [],
        fullName: `${subject} ${file} keeps its groups keeps group ${number} together`,
        invocations: 1,
        location: { column: 3, line: (number % 1_000) + 1 },
        numPassingAsserts: 1,
        retryReasons: [],
        status,
        title: `keeps group ${number} together`,
      })}`;
    }
    yield `],"endTime":2,"message":"","name":"/w/src/${subject}-${file}.test.ts","startTime":1,"status":"${worst}","summary":""}`;
  }
  yield '],"wasInterrupted":false}\n';
}

/** About 450 bytes per test. */
export function* playwrightReport(shape: JsonShape): Generator<string, void, void> {
  const words = { failed: "unexpected", pending: "skipped", passed: "expected" };
  const stats = { expected: 0, skipped: 0, unexpected: 0, flaky: 0 };
  yield '{"config":{"rootDir":"/w/e2e","projects":[]},"suites":[';
  yield* filesOf(
    shape,
    (file) => `{"title":"session-${file}.spec.ts","file":"session-${file}.spec.ts","column":0,"line":0,"specs":[`,
    (file, number) => {
      const status = outcome(number);
      if (status === "failed") stats.unexpected++;
      else if (status === "pending") stats.skipped++;
      else stats.expected++;
      const errors = status === "failed" ? [{ message: failure.slice(0, 60), stack: failure }] : [];
      const result = {
        workerIndex: 0,
        status: status === "pending" ? "skipped" : status,
        duration: number % 97,
        errors,
        stdout: [],
        stderr: [],
        retry: 0,
        startTime: "2026-11-23T20:25:11.061Z",
        attachments: [],
      };
      return {
        title: `keeps group ${number} together`,
        ok: status !== "failed",
        tags: [],
        tests: [
          {
            timeout: 30_000,
            expectedStatus: "passed",
            projectName: "authenticated-chrome",
            results: [result],
            status: words[status],
          },
        ],
        id: `${number}-${file}`,
        file: `session-${file}.spec.ts`,
        line: (number % 1_000) + 1,
        column: 3,
      };
    },
    "]}",
  );
  yield `],"errors":[],"stats":${JSON.stringify({ startTime: "2026-11-23T20:25:11.061Z", duration: 1, ...stats })}}\n`;
}

/** About 250 bytes per test. */
export function* ctrfReport(shape: JsonShape): Generator<string, void, void> {
  const failed = failures(shape);
  const tests = shape.files * shape.testsInFile;
  yield `{"reportFormat":"CTRF","results":{"tool":{"name":"jest"},"summary":{"tests":${tests},"failed":${failed},"other":0},"tests":[`;
  for (let number = 1; number <= tests; number++) {
    const file = Math.floor((number - 1) / shape.testsInFile);
    const status = outcome(number);
    yield `${number > 1 ? "," : ""}${JSON.stringify({
      name: `session ${file} keeps group ${number} together`,
      status,
      duration: number % 97,
      rawStatus: status,
      type: "unit",
      filePath: `/w/src/session-${file}.test.ts`,
      retries: 0,
      flaky: false,
      suite: `session-${file}.test.ts > session ${file}`,
      ...(status === "failed" ? { message: failure.slice(0, 60), trace: failure } : {}),
    })}`;
  }
  yield "]}}\n";
}
