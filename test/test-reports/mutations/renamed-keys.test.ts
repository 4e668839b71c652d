import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { complaint, Desk } from "./outcome.ts";

// A key whose name is damaged hides its value. Whatever the key is, and wherever it is in the JSON of a real tool: no failure may become a pass.

const corpus = join(import.meta.dirname, "../corpus");
let desk: Desk;
beforeAll(async () => {
  desk = await Desk.open();
});
afterAll(() => desk[Symbol.asyncDispose]());

interface Key {
  /** With `*` for the places in lists. */
  path: string;
  /** Where its name begins. */
  at: number;
}

/** The first and the last key of each path. */
function keysOf(text: string): Key[] {
  const found = new Map<string, Key[]>();
  const open: { kind: "{" | "["; key: string }[] = [];
  for (const { 0: token, index } of text.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\]\n]/g)) {
    if (token === "{" || token === "[") open.push({ kind: token, key: "*" });
    else if (token === "}" || token === "]") open.pop();
    else if (token !== "\n") {
      const group = open.at(-1);
      if (group?.kind !== "{" || !/^\s*:/.test(text.slice(index + token.length, index + token.length + 8))) continue;
      group.key = token;
      const path = open.map(({ key }) => key).join(".");
      const [first] = found.get(path) ?? [];
      found.set(path, [...(first ? [first] : []), { path, at: index + 1 }]);
    }
  }
  return [...found.values()].flat();
}

const files = globSync("*/**/*.{json,jsonl,ndjson}", { cwd: corpus })
  .filter((name) => !name.endsWith("runs.json"))
  .sort();

test("the corpus has JSON of many tools", () => expect(files.length).toBeGreaterThanOrEqual(15));

test.each(files)("%s", async (name) => {
  const text = readFileSync(join(corpus, name), "latin1");
  const lines = /l$|ndjson$/.test(name);
  const before = await desk.read(Buffer.from(text, "latin1"), lines);
  if (before === "refused") return;
  const complaints: string[] = [];
  for (const { path, at } of keysOf(text)) {
    const damaged = Buffer.from(`${text.slice(0, at)}>!${text.slice(at)}`, "latin1");
    const wrong = complaint("other names", before, await desk.read(damaged, lines));
    if (wrong !== undefined) complaints.push(`${path} at byte ${at}: ${wrong}`);
  }
  expect(complaints).toEqual([]);
});
