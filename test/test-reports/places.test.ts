import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { framesIn } from "../../src/test-reports/places/frames.ts";
import { placeIn } from "../../src/test-reports/places/place.ts";
import { readResults } from "../../src/test-reports/read.ts";
import { readText, workspace } from "./reports.ts";

// Where a failure is: in the project's own code, as each language writes it.

function place(stack: string, titles: readonly string[] = ["a test"], ours: readonly string[] = []): string | undefined {
  const found = placeIn(stack, { titles, isOurs: (file) => ours.includes(file) });
  return found && `${found.file}:${found.line}`;
}

const stacks: [language: string, stack: string, place: string][] = [
  [
    "JavaScript",
    "Error: no\n    at expect (/app/node_modules/expect/build/index.js:12:3)\n    at Object.<anonymous> (/app/test/sum.test.js:7:9)\n    at node:internal/process/task_queues:95:5",
    "/app/test/sum.test.js:7",
  ],
  ["TypeScript without a name", "Error\n    at /app/src/a.spec.ts:3:4", "/app/src/a.spec.ts:3"],
  ["a file URL", "Error\n    at file:///home/me/my%20app/a.test.mjs:3:4", "/home/me/my app/a.test.mjs:3"],
  ["a file URL of Windows", "Error\n    at run (file:///C:/app/a.test.mjs:3:4)", "C:/app/a.test.mjs:3"],
  ["Windows", "Error: x\n    at Context.<anonymous> (C:\\a\\b.ts:3:4)", "C:\\a\\b.ts:3"],
  ["Windows without parentheses", "Error: x\n    at C:\\my app\\b.ts:3:4", "C:\\my app\\b.ts:3"],
  [
    "folders with spaces and parentheses",
    "Error\n    at fn (/my app/(group)/page.test.tsx:3:4)",
    "/my app/(group)/page.test.tsx:3",
  ],
  ["Firefox", "fn@http://localhost:3000/src/a.test.ts:3:4\n@/app/b.js:1:1", "src/a.test.ts:3"],
  [
    "Cypress",
    "AssertionError: x\n    at Context.eval (webpack://app/./cypress/e2e/a.cy.js:3:4)\n    at run (http://localhost:3500/__cypress/runner/cypress_runner.js:1:2)",
    "cypress/e2e/a.cy.js:3",
  ],
  ["a development server", "Error\n    at http://localhost:5173/src/a.test.ts?t=17:3:4", "src/a.test.ts:3"],
  ["Vitest", " ❯ src/a.test.ts:3:4\n ❯ node_modules/vitest/dist/chunk.js:1:2", "src/a.test.ts:3"],
  [
    "pytest",
    "def test_bad():\n>       assert False\nE       assert False\n\ntests/test_lib.py:25: AssertionError",
    "tests/test_lib.py:25",
  ],
  [
    "pytest with a helper",
    "tests/test_lib.py:25: \n_ _ _\n    def helper():\n>       raise ValueError\n\nsrc/lib.py:3: ValueError",
    "tests/test_lib.py:25",
  ],
  [
    "unittest",
    'Traceback (most recent call last):\n  File "/usr/lib/python3.12/unittest/case.py", line 58, in testPartExecutor\n    yield\n  File "/my app/checks.py", line 9, in go\n    f()\n  File "/my app/lib.py", line 4, in f\n    raise ValueError\nValueError',
    "/my app/lib.py:4",
  ],
  [
    "Java",
    "org.opentest4j.AssertionFailedError: expected: <1> but was: <2>\n\tat org.junit.jupiter.api.AssertEquals.failNotEqual(AssertEquals.java:197)\n\tat app//com.acme.Helper.check(Helper.java:3)\n\tat app//com.acme.CartTest$Inner.adds(CartTest.java:25)\n\tat java.base/java.lang.reflect.Method.invoke(Method.java:580)",
    "com/acme/CartTest.java:25",
  ],
  [
    "Kotlin",
    "java.lang.AssertionError\n\tat kotlin.test.AssertionsKt.fail(Assertions.kt:3)\n\tat com.acme.CartTest.adds(CartTest.kt:12)",
    "com/acme/CartTest.kt:12",
  ],
  [
    "C#",
    "   at Xunit.Assert.Equal() in /_/src/xunit.assert/Asserts/EqualityAsserts.cs:line 99\n   at Lamp.Tests.Adds() in /my src/Tests.cs:line 12",
    "/my src/Tests.cs:12",
  ],
  ["C# in German", "   bei Lamp.Tests.Adds() in C:\\src\\Tests.cs:Zeile 12.", "C:\\src\\Tests.cs:12"],
  ["C# in Chinese", "   在 Lamp.Tests.Adds() 位置 C:\\src\\Tests.cs:行号 12", "C:\\src\\Tests.cs:12"],
  ["Go", "=== RUN   TestLamp\n    lamp_test.go:12: expected on, got off", "lamp_test.go:12"],
  [
    "a panic in Go",
    "panic: no\n\ngoroutine 1 [running]:\ntesting.tRunner.func1.2({0x1})\n\t/usr/local/go/src/testing/testing.go:1632 +0x1fc\nexample.com/lamp.On(...)\n\t/home/me/lamp/lamp.go:9\nexample.com/lamp.TestOn(0x1)\n\t/home/me/lamp/lamp_test.go:12 +0x1d",
    "/home/me/lamp/lamp_test.go:12",
  ],
  [
    "Rust",
    "thread 'tests::adds' panicked at src/lib.rs:7:5:\nassertion failed\n  0: rust_begin_unwind\n     at /rustc/90b35a6/library/std/src/panicking.rs:665:5",
    "src/lib.rs:7",
  ],
  ["older Rust", "thread 'tests::adds' panicked at 'assertion failed', src/lib.rs:7:5", "src/lib.rs:7"],
  [
    "PHPUnit",
    "AddTest::testAdd\nFailed asserting that 3 matches expected 2.\n\n/app/vendor/phpunit/phpunit/src/Assert.php:99\n/app/tests/AddTest.php:11",
    "/app/tests/AddTest.php:11",
  ],
  [
    "PHP",
    "Exception: no\n#0 /my app/vendor/x/y.php(3): z()\n#1 /my app/src/Cart.php(12): Cart->add()",
    "/my app/src/Cart.php:12",
  ],
  [
    "RSpec",
    "Failure/Error: expect(1).to eq 2\n./spec/cart_spec.rb:4:in `block (2 levels) in <top (required)>'\n/usr/lib/ruby/gems/3.2.0/gems/rspec-core/lib/rspec/core/runner.rb:3",
    "spec/cart_spec.rb:4",
  ],
  ["Minitest", "Expected: 1\n  Actual: 2 [test/cart_test.rb:12]", "test/cart_test.rb:12"],
  ["GoogleTest", "file.cpp:19: Failure\nExpected equality", "file.cpp:19"],
  ["Visual C++", "C:\\src\\cart test.cpp(19): error: no", "C:\\src\\cart test.cpp:19"],
  ["Catch2", "FAILED:\n  REQUIRE( v == 1 )\nat test/add.cpp:19", "test/add.cpp:19"],
  ["Dart", "package:matcher expect\ntest/lamp_test.dart 5:3  main.<fn>", "test/lamp_test.dart:5"],
  ["Swift", "/src/Tests/CartTests.swift:12: error: -[CartTests testAdd] : failed", "/src/Tests/CartTests.swift:12"],
  [
    "Elixir",
    "test/cart_test.exs:9\n** (ExUnit.AssertionError)\nstacktrace:\n  test/cart_test.exs:11: (test)",
    "test/cart_test.exs:9",
  ],
  ["Perl", "#   Failed test 'adds'\n#   at t/cart.t line 5.", "t/cart.t:5"],
  ["bats", "(in test file test/cart.bats, line 5)\n  `[ 1 -eq 2 ]' failed", "test/cart.bats:5"],
  ["Cucumber", "features/cart.feature:12", "features/cart.feature:12"],
];

test.each(stacks)("%s", (_language, stack, wanted) => {
  expect(place(stack)).toBe(wanted);
  expect(place(stack.replaceAll("\n", "\r\n"))).toBe(wanted);
});

test("what only looks like a library's is a place, and unittest's own file is none", () => {
  expect(place("doctest.cpp:6:\nCHECK( 1 == 2 ) is NOT correct!")).toBe("doctest.cpp:6");
  expect(place("at a (/actions-runner/_work/x/x/src/internal/a.ts:3:4)")).toBe("/actions-runner/_work/x/x/src/internal/a.ts:3");
  expect(place("   at T.Adds() in /_/tests/Lamp.cs:line 12")).toBe("tests/Lamp.cs:12");
  expect(place("\tat org.apache.kafka.LogTest.adds(LogTest.java:12)", ["org.apache.kafka.LogTest"])).toBe(
    "org/apache/kafka/LogTest.java:12",
  );
  expect(place("/^the room is/      - features/steps.cjs:13")).toBe("features/steps.cjs:13");
  const stack = 'File "/workspace/test_rooms.py", line 30, in setUpClass';
  expect(placeIn(stack, { titles: ["setUpClass"], file: "unittest/suite.py", isOurs: () => false })).toMatchObject({
    file: "/workspace/test_rooms.py",
    line: 30,
  });
});

describe("of several frames", () => {
  test("the file that is named as the class comes first, then a test file, then a file of the workspace", () => {
    expect(place("at a (/x/lib.ts:1:1)\nat b (/x/cart.ts:2:2)", ["cart"])).toBe("/x/cart.ts:2");
    expect(place("at a (/x/lib.ts:1:1)\nat b (/x/cart.spec.ts:2:2)")).toBe("/x/cart.spec.ts:2");
    expect(place("at a (/usr/x.js:1:1)\nat b (/x/lib.ts:2:2)", [], ["/x/lib.ts"])).toBe("/x/lib.ts:2");
    expect(place("at a (/x/lib.ts:1:1)\nat b (/x/main.ts:2:2)")).toBe("/x/lib.ts:1");
  });

  test("of the test's file count, also with the path of another machine", () => {
    const line = (file: string) =>
      placeIn("at a (/x/lib.ts:1:1)\nat b (/x/src/cart.spec.ts:2:2)", { titles: [], file, isOurs: () => false });
    for (const file of ["/x/src/cart.spec.ts", "src/cart.spec.ts", "./src/cart.spec.ts", "D:\\repo\\cart.spec.ts"])
      expect(line(file)).toEqual({ file, line: 2 });
    expect(line("art.spec.ts")).toBeUndefined();
  });

  test.each([
    "at a (/x/node_modules/.pnpm/chai@5/node_modules/chai/chai.js:1:1)",
    'File "/venv/lib/python3.12/site-packages/_pytest/python.py", line 3',
    "\tat org.junit.Assert.fail(Assert.java:89)\n\tat java.base/java.lang.Thread.run(Thread.java:1583)",
    "/rustc/1/library/core/src/panicking.rs:1:1",
    "no place at all: 3.5:7, a.b:c, example.com:443, [::1]:80, x.unknown:5",
  ])("a library alone is no place: %s", (stack) => expect(place(stack)).toBeUndefined());
});

let number = 0;
const failing = (name: string, stack: string, more = "") =>
  `<testcase name="t${number++}" classname="${name}" ${more}><failure message="no">${stack}</failure></testcase>`;

test("a test without a place gets that of its stack, in the workspace", async () => {
  await using at = await workspace({
    "web/tests/test_lib.py": "",
    "web/src/test/java/com/acme/CartTest.java": "",
    "web/src/a.test.ts": "",
    "top/b.test.ts": "",
    "web/pkg/light/light_test.go": "",
    "web/light_test.go": "",
    "web/test/add.cpp": "",
    "web/r.xml": `<testsuite>${[
      failing("tests.test_lib", "tests/test_lib.py:25: AssertionError"),
      failing("com.acme.CartTest", "\tat com.acme.CartTest.adds(CartTest.java:25)"),
      failing("a", "at x (/elsewhere/src/a.test.ts:3:4)"),
      failing("a", "at x (D:\\a\\repo\\web\\src\\a.test.ts:5:4)"),
      failing("a", "at x (top/b.test.ts:6:4)"),
      failing("a", "at x (gone/c.test.ts:7:4)"),
      failing("a", "at x (src\\gone.test.ts:8:4)"),
      failing("example.com/lamp/pkg/light", "light_test.go:12: no"),
      failing("example.com/lamp/other", "light_test.go:13: no"),
      failing("unit", "../test/add.cpp:19: Failure"),
      failing("deno", "no", 'file="./gone.test.ts" line="4"'),
      failing("a", "at y (src/a.test.ts:9:4)", 'file="src/a.test.ts"'),
      failing("a", "at y (src/a.test.ts:9:4)", 'file="src/a.test.ts" line="2"'),
      failing("a", "at y (src/other.ts:9:4)", 'file="src/a.test.ts"'),
    ].join("")}</testsuite>`,
  });
  const options = { cwd: join(at.cwd, "web"), workspace: at.cwd, reports: ["*.xml"], startedAt: 0 };
  const { failures } = await readResults(options);
  expect(failures.map(({ file, line }) => `${file}:${line}`)).toEqual([
    "web/tests/test_lib.py:25",
    "web/src/test/java/com/acme/CartTest.java:25",
    "/elsewhere/src/a.test.ts:3",
    "web/src/a.test.ts:5",
    "top/b.test.ts:6",
    "gone/c.test.ts:7",
    "src/gone.test.ts:8",
    "web/pkg/light/light_test.go:12",
    "web/light_test.go:13",
    "web/test/add.cpp:19",
    "gone.test.ts:4",
    "web/src/a.test.ts:9",
    "web/src/a.test.ts:2",
    "web/src/a.test.ts:undefined",
  ]);
});

test("pytest's and Catch2's default reports give the place of a failure", async () => {
  const pytest = failing(
    "tests.test_lib",
    "def test_bad():\n&gt;       assert False\nE       assert False\n\ntests/test_lib.py:25: AssertionError",
  );
  const catch2 = failing("unit.global", "at test/add.cpp:19");
  const { failures } = await readText(`<testsuite>${pytest}${catch2}</testsuite>`);
  expect(failures.map(({ file, line }) => `${file}:${line}`)).toEqual(["tests/test_lib.py:25", "test/add.cpp:19"]);
});

describe("time is proportional to the text", () => {
  const units = [
    " ",
    "(",
    ")",
    "a",
    ".js:",
    ".js:1",
    ".js:1:",
    "at ",
    "a.js:1 ",
    "\\",
    "/",
    "/a",
    ":",
    "@",
    "#1 ",
    '"',
    ".",
    "in /",
    "\n",
    "at x.y(",
    ".cs:line ",
    "?a",
    "1",
  ];
  const cpu = (text: string) => {
    const before = process.cpuUsage();
    framesIn(text);
    const { user, system } = process.cpuUsage(before);
    return user + system;
  };

  test.each(units)("of 200,000 characters of %j", (unit) => {
    expect(cpu(unit.repeat(200_000 / unit.length))).toBeLessThan(200_000);
  });

  test("of anything", () => {
    const text = fc.tuple(fc.array(fc.constantFrom(...units), { minLength: 1, maxLength: 6 }), fc.constantFrom(1, 50, 5_000));
    const property = fc.property(text, ([parts, times]) => {
      const whole = parts.join("").repeat(times);
      const slow = cpu(whole) > 200_000 && cpu(whole) > 200_000;
      expect(slow).toBe(false);
      for (const { file, line } of framesIn(whole)) {
        expect(file).not.toMatch(/[\n"]/);
        expect(line).toBeGreaterThan(0);
      }
    });
    fc.assert(property, { numRuns: 500 });
  });
});
