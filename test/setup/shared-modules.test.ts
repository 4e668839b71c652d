import { expect, test } from "vitest";
import { withSharedModules } from "../../scripts/shared-modules.ts";

/**
 * Chunks of the bundle, divided so that a module is in one file only. The promise: whoever imports a chunk gets the modules that it had
 * before, with the same code. It could break if a module of another chunk, or another text of the same one, came in its place.
 */

const chunk = (id: number, modules: Record<number, string>) =>
  `export const id = ${id};\nexport const ids = [${id}];\nexport const modules = {\n${Object.entries(modules)
    .map(([number, text]) => `/***/ ${number}:\n/***/ ((module) => {\nmodule.exports = ${text};\n})`)
    .join(",\n")}\n};\n`;

/** What a file exports, with the files that it imports. */
async function modulesOf(files: ReadonlyMap<string, string>, name: string): Promise<Record<string, string>> {
  const source = (files.get(name) ?? "").replace(
    /from "\.\/([^"]+)"/g,
    (_, other: string) => `from "${address(files.get(other) ?? "")}"`,
  );
  const { modules } = (await import(address(source))) as { modules: Record<string, (module: { exports?: unknown }) => void> };
  return Object.fromEntries(
    Object.entries(modules).map(([id, run]) => {
      const module: { exports?: unknown } = {};
      run(module);
      return [id, String(module.exports)];
    }),
  );
}

function address(source: string): string {
  return `data:text/javascript,${encodeURIComponent(source)}`;
}

const before = new Map([
  ["a.js", chunk(1, { 10: '"ten"', 20: '"twenty"', 30: '"of a"' })],
  ["b.js", chunk(2, { 10: '"ten"', 20: '"twenty"', 40: '"in b and c"' })],
  ["c.js", chunk(3, { 20: '"another twenty"', 40: '"in b and c"' })],
  ["licenses.txt", "modules"],
]);
const name = (ids: readonly string[]) => `shared-${ids.join("-")}`;

test("each chunk has the modules that it had", async () => {
  const after = withSharedModules(before, name, { least: 1 });
  for (const file of ["a.js", "b.js", "c.js"]) expect(await modulesOf(after, file)).toEqual(await modulesOf(before, file));
  expect([...after.keys()].sort()).toEqual(["a.js", "b.js", "c.js", "licenses.txt", "shared-10-20.js", "shared-40.js"]);
});

test("a module is in one file, but for another text of it", () => {
  const all = [...withSharedModules(before, name, { least: 1 }).values()].join("");
  const times = (text: string) => all.split(text).length - 1;
  expect([times('"ten"'), times('"twenty"'), times('"another twenty"'), times('"in b and c"')]).toEqual([1, 1, 1, 1]);
});

test("what saves too little stays where it is", () => {
  expect(withSharedModules(before, name)).toEqual(before);
});

test("a file that is to be whole has everything, and the others share", async () => {
  const after = withSharedModules(before, name, { least: 1, whole: new Set(["a.js"]) });
  for (const file of ["a.js", "b.js", "c.js"]) expect(await modulesOf(after, file)).toEqual(await modulesOf(before, file));
  expect(after.get("a.js")).toBe(before.get("a.js"));
  expect([...after.keys()].sort()).toEqual(["a.js", "b.js", "c.js", "licenses.txt", "shared-40.js"]);
});

test("two files of one name are refused", () => {
  expect(() => withSharedModules(before, () => "a", { least: 1 })).toThrow("two files of the bundle would be called a.js");
});
