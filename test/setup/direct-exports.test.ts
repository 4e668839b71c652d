import { expect, test } from "vitest";
import { withDirectExports } from "../../scripts/direct-exports.ts";

/** Whoever imports a module gets the same values as before, at any moment, and those that never change cost no function. */

type Require = ((id: string) => Record<string, unknown>) & {
  d: (target: object, getters: Record<string, () => unknown>) => void;
};
type Run = (module: object, exports: Record<string, unknown>, require: Require) => void;

const chunk = (modules: Record<string, string>) =>
  `export const ids = [1];\nexport const modules = {\n${Object.entries(modules)
    .map(([id, text]) => `/***/ ${id}:\n/***/ ((__unused, __webpack_exports__, __webpack_require__) => {\n${text}\n})`)
    .join(",\n")}\n};\n`;

/** webpack's own way to run modules. */
async function requireOf(source: string): Promise<Require> {
  const { modules } = (await import(`data:text/javascript,${encodeURIComponent(source)}`)) as { modules: Record<string, Run> };
  const cache = new Map<string, Record<string, unknown>>();
  const require = ((id: string) => {
    let exports = cache.get(id);
    if (!exports) {
      exports = {};
      cache.set(id, exports);
      modules[id]?.({}, exports, require);
    }
    return exports;
  }) as Require;
  require.d = (target, getters) => {
    for (const [name, get] of Object.entries(getters)) Object.defineProperty(target, name, { enumerable: true, get });
  };
  return require;
}

const define = (members: string) => `/* harmony export */ __webpack_require__.d(__webpack_exports__, {\n${members}\n});`;

const all = chunk({
  10: `${define('A: () => (/* binding */ one), B: () => (two), "a b": () => one, C: () => later, D: () => _other.A')}
var _other = __webpack_require__(20);
function one() { return "one"; }
const two = "two";
let later = 1;
later = 2;`,
  20: `${define("A: () => (changed), B: () => (steady)")}
var _back = __webpack_require__(10);
function changed() { return "before"; }
function steady() { return _back.A() + " from the other side"; }
const early = steady();
function change() { changed = () => "after"; }
change();`,
});

test("values are the same, also of modules that need each other", async () => {
  for (const source of [all, withDirectExports("1.index.js", all)]) {
    const require = await requireOf(source);
    const [ten, twenty] = [require("10"), require("20")] as Record<string, () => string>[];
    expect(Object.keys(ten ?? {}).sort()).toEqual(["A", "B", "C", "D", "a b"]);
    expect([ten?.A?.(), ten?.["a b"]?.(), ten?.B, ten?.C, ten?.D?.()]).toEqual(["one", "one", "two", 2, "after"]);
    expect([twenty?.A?.(), twenty?.B?.()]).toEqual(["after", "one from the other side"]);
  }
});

test("function declarations have no getter any more, and what changes keeps its own", async () => {
  const require = await requireOf(withDirectExports("1.index.js", all));
  const isGetter = (id: string, name: string) => Object.getOwnPropertyDescriptor(require(id), name)?.get !== undefined;
  expect([isGetter("10", "A"), isGetter("10", "a b"), isGetter("10", "B"), isGetter("10", "C")]).toEqual([
    false,
    false,
    true,
    true,
  ]);
  expect(isGetter("20", "A")).toBe(true);
});

test("a source that is no chunk is unchanged", () => {
  expect(withDirectExports("a.js", "export const one = 1;\n")).toBe("export const one = 1;\n");
});
