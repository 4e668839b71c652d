import { expect, test } from "vitest";
import { functionsOf, withEagerFunctions } from "../../scripts/eager-functions.ts";

/** Functions that a start calls are compiled at once. That is all: what a module does must be the same, whatever the list names. */

const source = `export const ids = [1];
export const modules = {
...{},
/***/ 10:
/***/ ((__unused, exports, __webpack_require__) => {
exports.early = early();
function early() { return inner() + inner(); function inner() { return typeof exports; } }
const later = (a, b = () => a + 1) => { function nested(x) { return x * 2; } return nested(b()); };
function twice() { return 1; }
function replaced() { replaced = () => "again"; return "first"; }
function* counting(to = (() => 2)()) { for (let at = 0; at < to; at++) yield at; }
async function waiting() { return await (async () => "waited")(); }
class Kept { #value = () => 3; get value() { return this.#value(); } static make() { return new Kept(); } }
const group = { method() { return [1, 2].map((one) => one + 1); }, get got() { return function named() { return named.name; }; }, plain: function () { return this.method(); } };
if (exports.early) { function inBlock() { return "block"; } exports.block = inBlock(); }
exports.later = later(20);
exports.twice = twice();
exports.replaced = [replaced(), replaced(), twice.name];
exports.counted = [...counting()];
exports.waiting = waiting;
exports.kept = Kept.make().value;
exports.group = [group.method(), group.got(), group.plain()];
exports.called = (function () { return "at once"; })();
})
};
`;

async function exportsOf(chunk: string): Promise<Record<string, unknown>> {
  type Run = (module: object, exports: Record<string, unknown>) => void;
  const { modules } = (await import(`data:text/javascript,${encodeURIComponent(chunk)}`)) as { modules: Record<string, Run> };
  const exports: Record<string, unknown> = {};
  modules["10"]?.({}, exports);
  return { ...exports, waiting: await (exports.waiting as () => Promise<unknown>)() };
}

const places = functionsOf("1.index.js", source).map(({ path }) => path);

test("each function has a place of its own", () => {
  expect(new Set(places).size).toBe(places.length);
  expect(places).toEqual(expect.arrayContaining(["/early", "/early/inner", "/0", "/0/0", "/0/nested", "/counting/0"]));
});

test("a module does the same, whichever functions are compiled at once", async () => {
  const before = await exportsOf(source);
  expect(before).toMatchObject({
    later: 42,
    twice: 1,
    replaced: ["first", "again", "twice"],
    counted: [0, 1],
    waiting: "waited",
    kept: 3,
    called: "at once",
  });
  for (const list of [places, [], ...places.map((place) => [place])])
    expect(await exportsOf(withEagerFunctions("1.index.js", source, { 10: list }))).toEqual(before);
});

test("those of the list are in parentheses, others and those of another module are as they were", () => {
  const made = withEagerFunctions("1.index.js", source, { 10: ["/twice", "/0/0"] });
  expect(made).toContain("var twice = (function () { return 1; });");
  expect(made).toContain("b = (() => a + 1)");
  expect(made.replace(/var twice = \(.*?\);/, "").replace("(() => a + 1)", "() => a + 1")).toBe(
    source.replace("function twice() { return 1; }", ""),
  );
  expect(withEagerFunctions("1.index.js", source, { 11: places })).toBe(source);
});
