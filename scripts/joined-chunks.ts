import { type Chunk, chunkOf, type Property } from "./shared-modules.ts";

interface Together {
  /** The file's name, without extension: that of a part which makes up most of it, or one of its own. */
  file: string;
  parts: readonly string[];
}

/**
 * webpack makes a file of each part that several starts have in common: a stage would open forty. Opening one takes as long as compiling
 * 20 kB, so those that are loaded together are one file here, with a copy of what others have too. A part that is not there any
 * more, or has another name, is no error: `test/dist/chunks.test.ts` counts the files.
 */
export const loadedTogether: readonly Together[] = [
  // By terminals and by every stage.
  {
    file: "zod-and-report",
    parts: ["zod", "config-values", "app-record", "report-view-staging", "report-view-test-data", "report-html-style"],
  },
  { file: "report-words", parts: ["report-words", "lib-plain-file"] },
  // By every stage on a runner.
  { file: "action-interface", parts: ["action-interface"] },
  { file: "actions-core", parts: ["actions-core", "chunk-7281"] },
  // By every stage.
  { file: "config-load", parts: ["config-load", "app-read-configuration"] },
  { file: "app-run-stage", parts: ["app-run-stage", "evidence-store"] },
  { file: "history-store-folder", parts: ["history-store-folder", "history-store-choose", "history-record-bounded"] },
  // By every preflight and smoke.
  { file: "stages-run-checks", parts: ["stages-run-checks", "stages-preflight", "stages-smoke", "checks-run-check"] },
  // By everything that asks an API.
  { file: "checks-api-client", parts: ["checks-api-client", "checks-api-check", "checks-connection"] },
];

/** The files that have these parts. */
export const wholeFiles: ReadonlySet<string> = new Set(loadedTogether.map(({ file }) => `${file}.js`));

/**
 * @param names webpack's file name → ours
 * @returns the same, in which parts of a file have its name
 */
export function joinedNames(names: ReadonlyMap<string, string>, together = loadedTogether): Map<string, string> {
  const taken = new Set(names.values());
  const fileOf = new Map(
    together.flatMap(({ file, parts }) => {
      const isForeign = taken.has(`${file}.js`) && !parts.includes(file);
      if (isForeign) throw new Error(`scripts/joined-chunks.ts: another part of the bundle is called ${file}`);
      const present = parts.map((part) => `${part}.js`).filter((part) => taken.has(part));
      return present.map((part) => [part, `${file}.js`] as const);
    }),
  );
  return new Map([...names].map(([file, name]) => [file, fileOf.get(name) ?? name]));
}

/**
 * @param chunks our file name of each part → source
 * @param fileOf our file name of each part → the file that has it
 */
export function withJoinedChunks(chunks: ReadonlyMap<string, string>, fileOf: (part: string) => string): Map<string, string> {
  const files = Map.groupBy(chunks, ([part]) => fileOf(part));
  return new Map(
    [...files].map(([file, parts]) => {
      const [first] = parts;
      return [file, parts.length === 1 && first ? first[1] : joined(parts.map(([name, source]) => read(name, source)))];
    }),
  );
}

function read(name: string, source: string): Chunk {
  const chunk = chunkOf(name, source);
  if (!chunk) throw new Error(`${name} is no chunk of webpack`);
  return chunk;
}

function joined(chunks: readonly Chunk[]): string {
  const modules = new Map<string, Property>();
  for (const property of chunks.flatMap((chunk) => chunk.modules)) {
    const known = modules.get(property.id);
    if (known && known.text !== property.text) throw new Error(`two parts of a file have the module ${property.id} in two forms`);
    modules.set(property.id, property);
  }
  const ids = [...new Set(chunks.flatMap((chunk) => chunk.ids))];
  const texts = [...modules.values()].map(({ text }) => text);
  return `export const ids = [${ids.join(",")}];\nexport const modules = {\n${texts.join(",\n")}\n};\n`;
}
