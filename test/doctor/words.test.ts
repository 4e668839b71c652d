import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { words } from "../../src/doctor/workflow-words.ts";
import { base, examined } from "./fixture.ts";

/** The words that the doctor takes for GitHub's are those of GitHub's own parser. */

interface Definition {
  mapping?: { properties: Record<string, unknown> };
  context?: string[];
}

const parser = join(import.meta.dirname, "../../node_modules/@actions/workflow-parser/dist");
const { definitions } = JSON.parse(readFileSync(join(parser, "workflow-v1.0.min.json"), "utf8")) as {
  definitions: Record<string, Definition>;
};

function keysOf(...names: string[]): string[] {
  return [...new Set(names.flatMap((name) => Object.keys(definitions[name]?.mapping?.properties ?? {})))].sort();
}

const filters = Object.keys(definitions).filter(
  (name) => /-mapping$/.test(name) && keysOf("on-mapping-strict").includes(name.replace(/-mapping$/, "").replaceAll("-", "_")),
);

test.each<[keyof typeof words, string[]]>([
  ["workflow", ["workflow-root-strict"]],
  ["event", ["on-mapping-strict"]],
  ["filter", filters],
  ["job", ["job-factory", "workflow-job"]],
  ["step", ["run-step", "regular-step", "wait-step", "wait-all-step", "cancel-step", "parallel-step"]],
  ["strategy", ["strategy"]],
  ["concurrency", ["concurrency-mapping"]],
  ["environment", ["job-environment-mapping"]],
])("the words of a %s", (kind, names) => {
  expect(keysOf(...names).length).toBeGreaterThan(1);
  expect([...words[kind]].sort()).toEqual(keysOf(...names));
});

test("the contexts", () => {
  const all = Object.values(definitions).flatMap(({ context }) => context ?? []);
  const contexts = [...new Set(all.filter((name) => !name.includes("(")))].sort();
  expect([...words.context].sort()).toEqual(contexts);
});

const gate = ".github/workflows/gate.yml";

test("a condition needs no braces, and several words are several findings", async () => {
  const text = (base[gate] ?? "")
    .replace("    if: always()\n", "    if: always() && need.e2e.result == 'success'\n")
    .replace("      - run: npm ci\n", "      - run: npm ci\n        if: githbu.ref != ''\n        shel: bash\n");
  const { findings } = await examined({ ...base, [gate]: text });
  expect(findings.filter(({ code }) => code === "ED112").map(({ line, message, cure }) => [line, message, cure])).toEqual([
    [32, 'expressions have no context "githbu"; did you mean "github"?', "Write `github`."],
    [33, 'a step has no key "shel"; did you mean "shell"?', "Write `shell`."],
    [expect.any(Number), 'expressions have no context "need"; did you mean "needs"?', "Write `needs`."],
  ]);
});

test.each([
  ["a function, a member and a text are no contexts", "if: ${{ contains(github.event.need, 'need.x') && TRUE }}"],
  ["words in another case", "if: ${{ GitHub.ref == needs.a.result }}"],
  ["an input of an action that has the name of a key", "with: { if: need.a, wiht: 1 }"],
  ["steps that run beside others", "background: true"],
])("no finding: %s", async (_, line) => {
  const text = (base[gate] ?? "").replace("      - run: npm ci\n", `      - run: npm ci\n        ${line}\n`);
  const { findings } = await examined({ ...base, [gate]: text });
  expect(findings.filter(({ code }) => code === "ED112" || code === "ED113")).toEqual([]);
});
