import { expect, test } from "vitest";
import { joinedNames, withJoinedChunks } from "../../scripts/joined-chunks.ts";

/** Parts of the bundle that are loaded together become one file, which has the modules of all of them, once. */

const chunk = (id: number, modules: Record<number, string>) =>
  `export const id = ${id};\nexport const ids = [${id}];\nexport const modules = {\n${Object.entries(modules)
    .map(([number, text]) => `/***/ ${number}:\n/***/ ((module) => {\nmodule.exports = ${text};\n})`)
    .join(",\n")}\n};\n`;

const names = new Map([
  ["1.index.js", "a.js"],
  ["2.index.js", "b.js"],
  ["3.index.js", "c.js"],
]);
const together = [
  { file: "b-start", parts: ["b", "gone", "c"] },
  { file: "not-there", parts: ["not-there"] },
];

async function exportsOf(source: string) {
  const { ids, modules } = (await import(`data:text/javascript,${encodeURIComponent(source)}`)) as {
    ids: number[];
    modules: Record<string, (module: { exports?: unknown }) => void>;
  };
  const made = Object.entries(modules).map(([id, run]) => {
    const module: { exports?: unknown } = {};
    run(module);
    return [id, module.exports];
  });
  return { ids, modules: Object.fromEntries(made) };
}

test("parts of a file have its name, and others keep theirs", () => {
  expect([...joinedNames(names, together).values()]).toEqual(["a.js", "b-start.js", "b-start.js"]);
});

test("a name that another part has is refused, because one would replace the other", () => {
  expect(() => joinedNames(names, [{ file: "a", parts: ["b", "c"] }])).toThrow("another part of the bundle is called a");
});

test("a file has the numbers and the modules of its parts, each once", async () => {
  const fileOf = (part: string) => joinedNames(names, together).get(part) ?? part;
  const parts = new Map([
    ["1.index.js", chunk(1, { 10: '"ten"' })],
    ["2.index.js", chunk(2, { 10: '"ten"', 20: '"twenty"' })],
    ["3.index.js", chunk(3, { 20: '"twenty"', 30: '"thirty"' })],
    ["licenses.txt", "modules"],
  ]);
  const files = withJoinedChunks(parts, fileOf);
  expect([...files.keys()].sort()).toEqual(["a.js", "b-start.js", "licenses.txt"]);
  expect(files.get("a.js")).toBe(parts.get("1.index.js"));
  expect(files.get("licenses.txt")).toBe("modules");
  expect(await exportsOf(files.get("b-start.js") ?? "")).toEqual({
    ids: [2, 3],
    modules: { 10: "ten", 20: "twenty", 30: "thirty" },
  });
  expect((files.get("b-start.js") ?? "").split('"twenty"')).toHaveLength(2);
});

test("two forms of one module are refused, because either would be missing something", () => {
  const parts = new Map([
    ["2.index.js", chunk(2, { 20: '"twenty"' })],
    ["3.index.js", chunk(3, { 20: '"another"' })],
  ]);
  expect(() => withJoinedChunks(parts, () => "b.js")).toThrow("the module 20 in two forms");
});
