import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { codeBlock, htmlText, inlineCode, inlineText, logLine, plainText, tableCell } from "../../src/report/inert.ts";
import { hostileText } from "./hostile.ts";

/** Returns what a renderer shows for character references, without the zero-width spaces that we add to break mentions. */
function decoded(text: string): string {
  return text.replaceAll("&#8203;", "").replace(/&#(\d+);/g, (_, code: string) => String.fromCodePoint(Number(code)));
}

function oneLine(text: string): string {
  return plainText(text).replace(/\s+/g, " ").trim();
}

/** Checks that a line contains nothing that Markdown, HTML or a GitHub filter would interpret. */
function expectNothingActive(line: string): void {
  const bare = line.replace(/&#\d+;/g, "");
  expect(bare).not.toMatch(/[&<>[\]*`~|\\!$@#\n\r\u2028\u2029]/u);
  expect(bare, "emphasis").not.toMatch(/(?<![\p{L}\p{N}])_|_(?![\p{L}\p{N}])/u);
  // Here references count as characters, because they separate the parts of a pattern.
  expect(line, "link").not.toMatch(/:\/\/|\bwww\./i);
  expect(line, "emoji").not.toMatch(/:(?!\d+:)[\w+-]+:/);
  expect(line, "issue").not.toMatch(/\bgh-\d/i);
  expect(line, "block or command").not.toMatch(/^([-+=:#>]|\d+[.)](\s|$)|\s)/);
  expect(decoded(line.replaceAll("&#8203;", "\u0000")), "mention or issue").not.toMatch(/[@#]\w/);
}

describe("inline text", () => {
  test("contains nothing that Markdown, HTML or GitHub would interpret", () => {
    fc.assert(
      fc.property(hostileText, (text) => expectNothingActive(inlineText(text))),
      { numRuns: 2_000 },
    );
  });

  test("is shown with the same words", () => {
    fc.assert(
      fc.property(hostileText, (text) => {
        expect(decoded(inlineText(text))).toBe(oneLine(text));
      }),
    );
  });

  test("is unchanged if it is ordinary, so that the source stays readable", () => {
    const text = "P95 187 ms of 10, 98.4 % of 190, integration_test_1763917800000_9f3c1a7e at tests/a.test.ts:48:27 (10:30)";
    expect(inlineText(text)).toBe(text);
  });

  test("contains nothing active as inline code either", () => {
    fc.assert(
      fc.property(hostileText, (text) => {
        const [, inner = ""] = /^<code>(.*)<\/code>$/s.exec(inlineCode(text)) ?? [];
        expect(inlineCode(text)).toBe(`<code>${inner}</code>`);
        expectNothingActive(inner);
      }),
    );
  });
});

test("a table cell is one line without a column border, and its line breaks are shown", () => {
  fc.assert(
    fc.property(hostileText, (text) => {
      for (const line of tableCell(text).split("<br>")) expectNothingActive(line);
    }),
  );
  expect(tableCell("one\r\ntwo\u2028three | four")).toBe("one<br>two<br>three &#124; four");
});

describe("a code block", () => {
  test("can hold a log with more backticks than a function can have arguments", () => {
    expect(codeBlock("`a".repeat(300_000)).startsWith("```text\n`a`a")).toBe(true);
  });

  test("ends at its end, whatever fences it contains", () => {
    fc.assert(
      fc.property(hostileText, (text) => {
        const lines = codeBlock(text).split("\n");
        const fence = /^(`{3,})text$/.exec(lines[0] ?? "")?.[1] ?? "no fence";
        expect(lines.at(-1)).toBe("");
        expect(lines.at(-2)).toBe(fence);
        for (const line of lines.slice(1, -2)) {
          expect(line).not.toContain(fence);
          expect(line).not.toMatch(/[\r\u2028\u2029\u202e]|\p{Cc}(?<!\t)/u);
        }
      }),
    );
  });

  test("contains no command if it is printed to a runner's log", () => {
    fc.assert(
      fc.property(hostileText, (text) => {
        expect(codeBlock(text)).not.toMatch(/^\s*::/m);
        expect(codeBlock(text)).not.toContain("##[");
      }),
    );
  });
});

test("HTML text contains no tag, no quote and only our references, and is shown with the same words", () => {
  fc.assert(
    fc.property(hostileText, (text) => {
      expect(htmlText(text).replace(/&#\d+;/g, "")).not.toMatch(/[<>&"'`]/);
      expect(decoded(htmlText(text))).toBe(plainText(text));
    }),
  );
});

describe("a log line", () => {
  test("is one line without a command for the runner or the terminal", () => {
    fc.assert(
      fc.property(hostileText, (text) => {
        const line = logLine(text);
        expect(line).not.toMatch(/(?!\t)\p{Cc}|[\u2028\u2029]/u);
        expect(line).not.toContain("::");
        expect(line).not.toContain("##[");
      }),
    );
  });

  // The runner ignores invisible characters when it compares. Only a visible one is sure to break a command.
  test("has a space inside every command, even if removed characters would join its parts", () => {
    expect(logLine("x ::error::y")).toBe("x : :error: :y");
    expect(logLine(":\u001b[0m:error:\u001b[0m:y")).toBe(": :error: :y");
    expect(logLine("##\u001b]0;title\u0007[error]y")).toBe("# #[error]y");
  });
});

describe("plain text", () => {
  test("contains no terminal escape and no character that hides or reorders text", () => {
    fc.assert(
      fc.property(hostileText, (text) => {
        expect(plainText(text)).not.toMatch(/(?![\n\t])\p{Cc}|[\u202a-\u202e\u2066-\u2069\u200b\ufeff\u00ad]|\p{Cs}/u);
      }),
    );
  });

  test("makes invisible characters visible, and keeps scripts and emoji whole", () => {
    expect(plainText("a\u202eb\u0000c\u001b[1;31md\u001b[0m")).toBe("a⟨U+202E⟩b␀cd");
    expect(plainText("👩‍👩‍👧 می‌خواهم 漢字 é")).toBe("👩‍👩‍👧 می‌خواهم 漢字 é");
  });

  // A pattern that backtracks would take minutes here.
  test("handles 200,000 incomplete escapes quickly", () => {
    const flood = "\u001b]8;;".repeat(200_000);
    expect(plainText(flood)).toBe("8;;".repeat(200_000));
  });
});
