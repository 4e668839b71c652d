import { expect, test } from "vitest";
import { excerpt } from "../../src/lib/log-excerpt.ts";

const lines = (many: number, of: string) => Array.from({ length: many }, (_, index) => `${of} ${index}`);

test("a short log is shown whole, and a long one without an error ends with its last lines", () => {
  expect(excerpt(lines(12, "request"), 12)).toEqual(lines(12, "request"));
  expect(excerpt(lines(100, "request"), 12)).toEqual(lines(100, "request").slice(-12));
});

test.each([
  "TypeError: Cannot read properties of undefined (reading 'id')",
  "\u001b[31mUncaught Error: no database\u001b[39m",
  'Exception in thread "main" java.lang.IllegalStateException: no bean',
  "Caused by: org.postgresql.util.PSQLException: refused",
  "Traceback (most recent call last):",
  "panic: runtime error: index out of range",
  "thread 'main' panicked at src/main.rs:4:5:",
  "error[E0308]: mismatched types",
  "npm ERR! code ELIFECYCLE",
  "2026-11-30 04:20 ERROR cannot bind",
  '{"level":"error","msg":"no database"}',
  "Error: listen EADDRINUSE: address already in use :::3000",
  "sh: 1: jset: command not found",
])("the lines around %s are shown, then the end of the log", (error) => {
  const log = [...lines(50, "request"), error, ...lines(50, "goodbye")];
  const shown = excerpt(log, 12);
  expect(shown).toHaveLength(12);
  expect(shown.slice(0, 4)).toEqual([...lines(50, "request").slice(-3), error]);
  expect(shown.slice(-4)).toEqual(["… (43 lines left out)", ...lines(50, "goodbye").slice(-3)]);
});

test("the last error counts, with the errors right before it, and words about errors don't", () => {
  const log = ["Error: old", ...lines(40, "request"), "Error: first", "Error: second", ...lines(40, "0 errors, no error found")];
  expect(excerpt(log, 12)[3]).toBe("Error: first");
});

test("if the error is among the last lines, nothing is left out", () => {
  const log = [...lines(50, "request"), "Error: no database", ...lines(5, "    at")];
  expect(excerpt(log, 12)).toEqual(log.slice(-12));
});
