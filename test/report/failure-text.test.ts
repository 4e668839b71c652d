import { expect, test } from "vitest";
import { failureParts } from "../../src/report/view/failure-text.ts";

test("each cause of an exception keeps its own calls", () => {
  const text = [
    "java.lang.IllegalStateException: no session",
    "\tat com.classwaves.Sessions.start(Sessions.java:12)",
    "\tat com.classwaves.Api.post(Api.java:40)",
    "Caused by: java.io.IOException: refused",
    "\tat com.classwaves.Wire.open(Wire.java:7)",
  ].join("\n");
  expect(failureParts(text)).toEqual([
    { kind: "text", lines: ["java.lang.IllegalStateException: no session"] },
    {
      kind: "calls",
      lines: ["\tat com.classwaves.Sessions.start(Sessions.java:12)", "\tat com.classwaves.Api.post(Api.java:40)"],
    },
    { kind: "text", lines: ["Caused by: java.io.IOException: refused"] },
    { kind: "calls", lines: ["\tat com.classwaves.Wire.open(Wire.java:7)"] },
  ]);
});

test("a difference and the lines of the source are parts of their own", () => {
  const text = [
    "Error: expect(received).toEqual(expected)",
    "",
    "- Expected  - 1",
    "+ Received  + 1",
    "",
    "  Object {",
    '-   "name": "Ada",',
    '+   "name": "Grace",',
    "  }",
    "",
    "  46 |   const found = await members();",
    "> 47 |   expect(found).toEqual(wanted);",
    "     |                 ^",
    "    at tests/roster.test.ts:47:17",
  ].join("\n");
  expect(failureParts(text).map(({ kind }) => kind)).toEqual(["text", "difference", "source", "calls"]);
  expect(failureParts(text)[1]).toEqual({
    kind: "difference",
    lines: ["- Expected  - 1", "+ Received  + 1", "", "  Object {", '-   "name": "Ada",', '+   "name": "Grace",', "  }"],
  });
});

test("a list in a message is no difference", () => {
  const text = "Missing members:\n- Ada\n- Grace\n+ nobody else";
  expect(failureParts(text)).toEqual([{ kind: "text", lines: text.split("\n") }]);
});

test.each([
  "no calls at all",
  "",
  "    at new Promise (<anonymous>)",
  'Traceback (most recent call last):\n  File "a.py", line 3, in f\n    assert a == b\nE   assert 1 == 2',
  "a\n\n\nb\n   at x (y.ts:1:1)\n\n- Expected\n+ Received\n\n\n",
  " ".repeat(200_000),
  `${"a ".repeat(4_000)}\n    at ${"b".repeat(8_000)}`,
])("no line of a failure is lost or added: %#", (text) => {
  const parts = failureParts(text).flatMap((part) => part.lines);
  const lines = (texts: readonly string[]) => texts.filter((line) => line.trim() !== "").sort();
  expect(lines(parts)).toEqual(lines(text.split("\n")));
});
