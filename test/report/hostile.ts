import fc from "fast-check";
import type { StageReport } from "../../src/model/report.ts";
import { hostileNames } from "./sample.ts";

/** Pieces of text that have an effect in Markdown, HTML, GitHub's filters, a terminal, or a runner's log. */
const pieces = [
  ...[
    "<img src=x onerror=alert(1)>",
    "</summary></details>",
    "<!--",
    "-->",
    "<script>",
    "&lt;",
    "&#64;",
    "]]>",
    "<https://a.example>",
  ],
  ...[
    "[a](javascript:b)",
    "![a](https://a.example)",
    "[^1]",
    "[a]: https://a.example",
    "**",
    "__",
    "_a_",
    "~~",
    "`",
    "```",
    "``````",
    "~~~~",
  ],
  ...[
    "@octocat",
    "@org/team",
    "a@b.example",
    "#1",
    "GH-2",
    "gh-3",
    "o/r#4",
    "https://a.example",
    "www.a.example",
    "://",
    ":tada:",
    "$x$",
    "$$",
  ],
  ...[
    "::error::x",
    "::",
    ":",
    "##[error]",
    "#",
    "[",
    "::set-output name=a::b",
    "%0A",
    "|",
    "\\",
    "\\|",
    "---",
    "===",
    "- [ ] ",
    "1. ",
    "> ",
    "# ",
    "+ ",
    "    ",
  ],
  ...["\n", "\r", "\r\n", "\n\n", "\t", "\u2028", "\u2029", "\u0085", "\u000b", "\u000c", "\0"],
  ...[
    "\u001b[31m",
    "\u001b[0m",
    "\u001b]8;;https://a.example\u0007",
    "\u001b",
    "\u009b1m",
    "\u009d",
    "\u001b[",
    "\u001b\\",
    "\u001b7",
  ],
  ...["\u202e", "\u202c", "\u2066", "\u200b", "\u200d", "\ufeff", "\u00ad", "\u{e0041}", "\ud800", "\udc00"],
  ...['"', "'", "name", "x", "é", "漢", "👩‍👩‍👧", " "],
  ...hostileNames,
];

export const hostileText = fc
  .array(fc.oneof({ weight: 5, arbitrary: fc.constantFrom(...pieces) }, fc.string({ unit: "binary", maxLength: 4 })), {
    maxLength: 12,
  })
  .map((parts) => parts.join(""));

/** Fields that hold one of a few words, and times, whose form the schema checks. Neither can hold hostile text. */
const closed = new Set(["stage", "verdict", "access", "kind", "scope", "status", "startedAt", "finishedAt"]);

/** The same report with every free text replaced. */
export function withTexts(report: StageReport, text: () => string): StageReport {
  return replaceTexts(report, text) as StageReport;
}

function replaceTexts(value: unknown, text: () => string, key = ""): unknown {
  if (typeof value === "string") return closed.has(key) ? value : text();
  if (Array.isArray(value)) return value.map((item) => replaceTexts(item, text));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [key === "projects" ? text() : name, replaceTexts(member, text, name)]),
  );
}
