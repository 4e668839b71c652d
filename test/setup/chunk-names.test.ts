import { expect, test } from "vitest";
import { chunkNames, withChunkNames } from "../../scripts/chunk-names.ts";

type Module = [name: string, size: number];

const own = (path: string, size: number): Module => [`./build/src/${path}.js`, size];
const of = (path: string, size: number): Module => [`./node_modules/${path}`, size];

function namesOf(chunks: Record<string, Module[]>): Record<string, string> {
  const told = Object.entries(chunks).map(([number, modules]) => ({
    names: number === "0" ? ["main"] : [],
    files: [number === "0" ? "index.js" : `${number}.index.js`],
    modules: modules.map(([name, size]) => ({ name, size })),
  }));
  return Object.fromEntries(chunkNames({ toJson: () => ({ chunks: told }) }));
}

test("a chunk is named after its largest part, and the entry keeps its name", () => {
  const names = namesOf({
    "0": [own("main", 10)],
    "1": [of("zod/v4/classic/external.js + 91 modules", 900), own("config/schema", 400)],
    "2": [["./build/src/cli/undo.js + 2 modules", 30], own("lib/count", 4)],
    "3": [of("ioredis/node_modules/@scope/name/lib/a.js", 5)],
    "4": [of("many/a.js", 6), of("many/b.js", 6), own("report/words", 10)],
  });
  expect(names).toEqual({
    "1.index.js": "zod.js",
    "2.index.js": "cli-undo.js",
    "3.index.js": "scope-name.js",
    "4.index.js": "many.js",
  });
});

test("every chunk has a name, and no two names are equal, even if the file system ignores case", () => {
  const names = namesOf({
    "1": [own("report/words", 40), own("report/inert", 30)],
    "2": [own("report/words", 40)],
    "3": [of("Telemetry/dist/index.mjs", 90)],
    "4": [of("telemetry/dist/id-linux.mjs", 9)],
    "5": [],
    "6": [own("index", 5)],
  });
  expect(names).toEqual({
    "1.index.js": "report-inert.js",
    "2.index.js": "report-words.js",
    "3.index.js": "Telemetry.js",
    "4.index.js": "telemetry-id-linux.js",
    "5.index.js": "chunk-5.js",
    "6.index.js": "chunk-6.js",
  });
});

test("the entry loads the chunks by these names, and an entry of unknown form is refused", () => {
  const names = new Map([["61.index.js", "app-run.js"]]);
  const runtime = (chunk: string) => `const u = (chunkId) => {\n\treturn ${chunk};\n};`;
  const entry = withChunkNames(runtime('"" + chunkId + ".index.js"'), names);
  expect(entry).toBe(runtime('{"61":"app-run.js"}[chunkId]'));
  expect(withChunkNames(runtime('chunkId + ".js"'), names)).toBeUndefined();
  expect(withChunkNames("no runtime", new Map())).toBe("no runtime");
});
