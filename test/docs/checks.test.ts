import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import * as registry from "../../src/checks/registry.ts";
import { stageNames, verdicts } from "../../src/model/report.ts";
import { repository, textOf } from "./markdown.ts";

/** The page on troubleshooting lists every check that the code can make, with its title, and no other. */

interface Row {
  title: string;
  ids: string[];
  stage: string;
}

const page = textOf("docs/guides/troubleshooting.md");
const section = page.slice(page.indexOf("\n## Every check"), page.indexOf("\n### Problems"));
const rows: Row[] = section.split("\n").flatMap((line) => {
  const [title = "", ids = "", stage = ""] = line.replace(/^\| /, "").split(" | ");
  return ids.startsWith("`") ? [{ title, ids: [...ids.matchAll(/`([^`]+)`/g)].map(([, id = ""]) => id), stage }] : [];
});
const listed = rows.flatMap(({ ids }) => ids);

// The SQL of src/staging and the sections of the dashboard have texts of the same form, and make no checks.
const code = globSync("src/**/*.ts", { cwd: repository, exclude: ["src/staging/**", "src/dashboard/**"] })
  .map((file) => readFileSync(join(repository, file), "utf8"))
  .join("\n");

/** Ids in the code: of a check that is written as an object, or in front of its title in a call or a list. */
const id = /"([a-z][a-z0-9-]*(?:\.[a-z][a-z0-9-]*)*)"/.source;
const made = [
  new RegExp(`\\bid: ${id}(?:,\\s*title: "([^"]+)")?`, "g"),
  new RegExp(`\\b(?:check|checkOf|skipped)\\(\\s*${id},\\s*(?:"([^"]+)")?`, "g"),
  new RegExp(`\\b(?:checkConnection|presence)\\([^()]*?${id},\\s*"([^"]+)"`, "g"),
  new RegExp(`\\bconst \\w+Id = ${id}`, "g"),
  new RegExp(`\\[id, title(?:, \\w+)?\\] = \\[\\s*${id},\\s*"([^"]+)"`, "g"),
]
  .flatMap((form) => [...code.matchAll(form)].map(([, name = "", title]) => ({ name, title })))
  // A judge's own helper gets the verdict first.
  .filter(({ name }) => !verdicts.some((verdict) => verdict === name));

/** Ids that begin with literal text and end with a name: `sql.${name}`. */
const groups = [
  ...code.matchAll(/\bcheck\(\s*`([a-z.]+)\$\{/g),
  ...code.matchAll(/(?:=>|return) `([a-z]+(?:\.[a-z]+)*\.?)\$\{/g),
].flatMap(([, start = ""]) => (start in registry || start.endsWith(".") ? [start] : []));

const isGroup = (one: string) => one.endsWith(".*");

test("the code has been searched", () => {
  expect(new Set(made.map(({ name }) => name)).size).toBeGreaterThanOrEqual(50);
  expect(groups).toEqual(expect.arrayContaining(["baseline.", "sql.", "tcp.", "websocket", "websocket.plain."]));
});

test("every check of the code is listed, with its title as the summary shows it", () => {
  const unlisted = made.filter(
    ({ name, title }) =>
      !rows.some(
        (row) => row.ids.includes(name) && (title === undefined || row.title.split(" · ").some((shown) => shown === title)),
      ),
  );
  expect(unlisted).toEqual([]);
});

test("every group of checks is listed: those of each kind, and those that are named after something", () => {
  for (const kind of Object.keys(registry)) expect(listed.filter((one) => one.split(".")[0] === kind)).not.toEqual([]);
  const unlisted = groups.filter((start) => !listed.includes(`${start}${start.endsWith(".") ? "" : "."}*`));
  expect(unlisted).toEqual([]);
});

test("nothing is listed that the code does not make", () => {
  const names = new Set<string>([...made.map(({ name }) => name), ...stageNames]);
  const unknown = listed.filter((one) => {
    const start = one.slice(0, -1);
    return isGroup(one)
      ? !(groups.includes(start) || groups.includes(start.slice(0, -1)) || start.slice(0, -1) in registry)
      : !names.has(one);
  });
  expect(unknown).toEqual([]);
});

test("a check of a kind is listed with stages in which the kind runs", () => {
  const kinds: Readonly<Record<string, { stages: readonly string[] }>> = registry;
  for (const { ids, stage } of rows)
    for (const one of ids) {
      const kind = kinds[one.split(".")[0] ?? ""];
      if (kind) expect(kind.stages, one).toEqual(expect.arrayContaining(stage.split(", ")));
    }
});
