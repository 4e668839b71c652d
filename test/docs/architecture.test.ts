import { existsSync, globSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { repository, textOf } from "./markdown.ts";

/** ARCHITECTURE.md leads through the source: what it names must be there. */

const text = textOf("ARCHITECTURE.md");

/** @returns the paths in a text's code that match no file; a path with a placeholder such as `<kind>` is none */
function missingPaths(markdown: string): string[] {
  const named = [...markdown.matchAll(/`((?:src|test|scripts|local|bench|examples|actions|docs|schema|\.github)\/[^`\s<]*)`/g)];
  return named.map(([, path = ""]) => path).filter((path) => globSync(path, { cwd: repository }).length === 0);
}

test("each path that it names exists", () => expect(missingPaths(text)).toEqual([]));

test("a path that does not exist is found, and a pattern or a placeholder is not", () =>
  expect(missingPaths("`src/no-such-file.ts`, `src/config/*-schema.ts`, `src/checks/<kind>/kind.ts`")).toEqual([
    "src/no-such-file.ts",
  ]));

interface Story {
  title: string;
  steps: { file: string; says: string }[];
}

/** The sections "Follow …": each a numbered list of files. */
function stories(markdown: string): Story[] {
  return markdown
    .split(/^(?=##+ )/m)
    .filter((section) => section.startsWith("### Follow "))
    .map((section) => ({
      title: section.slice(4, section.indexOf("\n")),
      steps: [...section.matchAll(/^\d+\. `([^`]+)`: (.+)$/gm)].map(([, file = "", says = ""]) => ({ file, says })),
    }));
}

/** @returns what a step names that its file does not have: the file itself, or an identifier without a path of its own */
function missingIn({ file, says }: Story["steps"][number]): string[] {
  if (!existsSync(join(repository, file))) return [file];
  const source = textOf(file);
  return [...says.matchAll(/`(\w+)`/g)].flatMap(([, name = ""]) =>
    new RegExp(`\\b${name}\\b`).test(source) ? [] : [`${file}: ${name}`],
  );
}

describe("the stories", () => {
  const all = stories(text);

  test("are five, and none has more files than a reader keeps in mind", () => {
    expect(all.map(({ title }) => title.split(":")[0])).toEqual([
      "Follow a stage",
      "Follow a cleanup",
      "Follow an HTTP check",
      "Follow a new kind of check",
      "Follow a failed test",
    ]);
    for (const { title, steps } of all) {
      expect(steps.length, title).toBeGreaterThanOrEqual(3);
      expect(steps.length, title).toBeLessThanOrEqual(10);
    }
  });

  test.each(all)("$title: each file exists, and has what is said of it", ({ steps }) =>
    expect(steps.flatMap(missingIn)).toEqual([]),
  );

  test("a step is wrong if its file is gone, or has no such name any more", () => {
    expect(missingIn({ file: "src/no-such-file.ts", says: "`main`" })).toEqual(["src/no-such-file.ts"]);
    expect(missingIn({ file: "src/main.ts", says: "`noSuchFunction`, and `refuseMissing`" })).toEqual([
      "src/main.ts: noSuchFunction",
    ]);
  });
});
