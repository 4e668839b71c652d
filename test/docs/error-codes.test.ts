import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { errorCatalogue } from "../../src/model/error-codes/catalogue.ts";
import { formats } from "../../src/test-reports/formats/format.ts";

/** Code and documentation say the same about errors: every code that can be printed has its entry, and every entry has its code. */

const repository = join(import.meta.dirname, "../..");
const catalogueFiles = "src/model/error-codes/";
const entries = errorCatalogue.flatMap((area) => Object.entries(area.entries));

const sources = globSync("src/**/*.ts", { cwd: repository })
  .map((file) => file.replaceAll("\\", "/"))
  .map((file) => ({ file, text: readFileSync(join(repository, file), "utf8") }));

const used = new Set(
  sources
    .filter(({ file }) => !file.startsWith(catalogueFiles))
    .flatMap(({ text }) => [...text.matchAll(/"(EA\d{4})"/g)].map(([, code]) => code)),
);

test("every code that the source names has an entry, and every entry is used", () => {
  expect([...used].sort()).toEqual(entries.map(([code]) => code).sort());
});

test("no code is given twice, and codes are in order", () => {
  const codes = sources
    .filter(({ file }) => file.startsWith(catalogueFiles))
    .flatMap(({ text }) => [...text.matchAll(/^ {2}(EA\d{4}):/gm)].map(([, code]) => code));
  expect(codes).toHaveLength(new Set(codes).size);
  expect(entries.map(([code]) => code)).toEqual(codes.sort());
});

test.each(entries)("%s says what happened and what to do", (code, { title, meaning, fix }) => {
  expect(code).toMatch(/^EA[1-9]\d{3}$/);
  expect(title).toMatch(/^\S.{5,70}[^.\s]$/);
  for (const sentence of [meaning, fix]) expect(sentence).toMatch(/^\S.{15,}\.$/);
});

test("each code has its anchor on the page", () => {
  const page = readFileSync(join(repository, "docs/reference/errors.md"), "utf8");
  const headings = [...page.matchAll(/^### (.+)$/gm)].map(([, heading]) => heading);
  expect(headings).toEqual(entries.map(([code]) => code));
});

test("nobody prints the message of an error that has a code without the code", () => {
  // The message alone is for sentences that are made of it: these files hand the code on with the error.
  const handsOn = new Set([
    "src/app/record.ts", // Node's own, of a report that is not there
    "src/app/read-configuration.ts", // a UserError with the same code
    "src/app/run-stage.ts", // the same
    "src/cli/audit.ts", // the same
    "src/cli/screen.ts", // of a failed test
  ]);
  const coded = /\b(?:error|failure)\.message\b/;
  const printers = sources.filter(
    ({ file, text }) =>
      /^src\/(?:action|cli|app)\//.test(file) && !handsOn.has(file) && text.split("\n").some((line) => coded.test(line)),
  );
  expect(printers.map(({ file }) => file)).toEqual([]);
});

test("the entry of an unknown report names all formats", () => {
  const writers = formats.flatMap((format) => format.writers);
  const { meaning = "" } = entries.find(([code]) => code === "EA6005")?.[1] ?? {};
  expect(meaning).toBe(`The file is not a report of ${writers.slice(0, -1).join(", ")} or ${writers.at(-1)}.`);
});
