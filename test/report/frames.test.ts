import { expect, test } from "vitest";
import { failureOf } from "../../src/report/view/frames.ts";
import { cpuMsOf } from "../harness/cpu-time.ts";

test.each([
  [
    "Vitest and Node",
    `AssertionError: expected 500 to be 201
    at file:///app/node_modules/vitest/dist/chunks/run.js:2949:64
    at createSession (/app/tests/sessions.test.ts:48:27)
    at new Promise (<anonymous>)
    at process.processTicksAndRejections (node:internal/process/task_queues:105:5)`,
    `AssertionError: expected 500 to be 201
    at createSession (/app/tests/sessions.test.ts:48:27)`,
    3,
  ],
  [
    "Playwright with a code frame",
    `Error: expect(received).toBe(expected)

Expected: "a"
Received: "b"

   6 |     await page.goto("/");
>  8 |     expect(b).toBe("a");
     |               ^
    at /app/node_modules/playwright/lib/runner.js:1:2
    at /app/tests/e2e/failing.spec.ts:8:27`,
    `Error: expect(received).toBe(expected)

Expected: "a"
Received: "b"

   6 |     await page.goto("/");
>  8 |     expect(b).toBe("a");
     |               ^
    at /app/tests/e2e/failing.spec.ts:8:27`,
    1,
  ],
  [
    "Python",
    `Traceback (most recent call last):
  File "/usr/lib/python3.11/unittest/case.py", line 57, in testPartExecutor
    yield
  File "/app/tests/test_a.py", line 4, in test_one
    self.assertEqual(1, 2)
  File "/app/.venv/lib/python3.11/site-packages/x/y.py", line 9, in f
    raise Oops(
    ^^^^^
AssertionError: 1 != 2`,
    `Traceback (most recent call last):
  File "/app/tests/test_a.py", line 4, in test_one
    self.assertEqual(1, 2)
AssertionError: 1 != 2`,
    5,
  ],
  [
    "Java with a cause",
    `java.lang.IllegalStateException: no bean
\tat org.junit.jupiter.engine.Foo.run(Foo.java:1)
\tat com.school.SessionTest.creates(SessionTest.java:12)
\tat java.base/java.lang.reflect.Method.invoke(Method.java:580)
Caused by: java.sql.SQLException: refused
\tat com.school.Db.open(Db.java:3)
\t... 42 more`,
    `java.lang.IllegalStateException: no bean
\tat com.school.SessionTest.creates(SessionTest.java:12)
Caused by: java.sql.SQLException: refused
\tat com.school.Db.open(Db.java:3)`,
    3,
  ],
  [
    "C#",
    `Assert.Equal() Failure
   at Xunit.Assert.Equal(Object a, Object b)
   at School.Tests.SessionTests.Creates() in /app/SessionTests.cs:line 12
   at System.RuntimeMethodHandle.InvokeMethod(Object target)`,
    `Assert.Equal() Failure
   at School.Tests.SessionTests.Creates() in /app/SessionTests.cs:line 12`,
    2,
  ],
  [
    "Ruby",
    `Failure/Error: expect(1).to eq 2
# ./spec/a_spec.rb:3:in 'block'
# /usr/share/gems/rspec-core/lib/rspec/core/example.rb:1:in 'run'`,
    `Failure/Error: expect(1).to eq 2
# ./spec/a_spec.rb:3:in 'block'`,
    1,
  ],
])("the project's own calls come before those of the runner: %s", (_, text, own, others) => {
  const failure = failureOf(text);
  expect(failure.own).toBe(own);
  expect(failure.others?.split("\n")).toHaveLength(others);
  const sorted = (lines: string) => lines.split("\n").sort();
  expect(sorted(`${failure.own}\n${failure.others}`), "nothing is lost").toEqual(sorted(text));
});

test("a failure without own calls, and a text without calls, stay as they are", () => {
  for (const text of ["expected 1 to be 2", "Error: x\n    at /app/node_modules/a/b.js:1:2", "1 of 3 failed\n\n- a\n+ b", ""])
    expect(failureOf(text)).toEqual({ own: text });
});

test("it is linear in the length of its text", () => {
  const text = `${" ".repeat(200_000)}x\n${"at ".repeat(100_000)}\n${"a/".repeat(100_000)}\n#${"0".repeat(200_000)}`;
  expect(cpuMsOf(() => failureOf(text))).toBeLessThan(500);
});
