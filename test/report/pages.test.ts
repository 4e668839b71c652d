import { expect, test } from "vitest";
import { toAnnotations } from "../../src/report/annotations.ts";
import { pageAsLine } from "../../src/report/view/pages.ts";
import { cpuMsOf } from "../harness/cpu-time.ts";
import { passedPreflight } from "./sample.ts";

const page = `<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>404
 Not Found</title><style>body { margin: 0 }</style></head>
<body><h1>Oops</h1><p>Nothing here.</p></body></html>`;

test.each([
  [`HTTP 404: ${page}`, "HTTP 404: an HTML page: 404 Not Found"],
  [`${page}\n    at a.ts:1:2`, "an HTML page: 404 Not Found\n    at a.ts:1:2"],
  ["<html><body><h1 class='a'>Bad gateway</h1>", "an HTML page: Bad gateway"],
  ["<html>cut", "an HTML page"],
  ["<HTML><title></title><h2>Sorry</h2></HTML> and <html></html>", "an HTML page: Sorry and an HTML page"],
  ["expected <htmlx> to be <a>", "expected <htmlx> to be <a>"],
])("a page of HTML in a text is one line: %j", (text, line) => {
  expect(pageAsLine(text)).toBe(line);
});

test("a check that got a page has a short annotation", () => {
  const report = passedPreflight();
  Object.assign(report.checks[0] ?? {}, {
    verdict: "failed",
    observed: `HTTP 404: ${page}`,
    expected: "HTTP 200",
    message: "It is gone.",
  });
  expect(toAnnotations({ ...report, verdict: "failed" })[0]?.message).toBe(
    "It is gone.\nobserved: HTTP 404: an HTML page: 404 Not Found; expected: HTTP 200",
  );
});

test("many pages in one text take no long time", () => {
  const work = () => {
    pageAsLine("<html".repeat(100_000));
    pageAsLine("<html></html>".repeat(5_000));
  };
  expect(cpuMsOf(work)).toBeLessThan(1_000);
});
