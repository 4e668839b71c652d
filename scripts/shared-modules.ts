import { parseSync } from "rolldown/utils";

/**
 * webpack puts a module into each chunk that needs it, unless several share at least 20 kB. Every user's job downloads the copies. Here
 * modules that the same chunks have go into a file of their own, which these chunks import.
 */

/** Saving less isn't worth a further file that a start has to open. In bytes, before minifying. */
const leastSaved = 12_000;

export interface Property {
  id: string;
  text: string;
}

export interface Chunk {
  /** webpack's numbers of it. */
  ids: number[];
  /** Where the object of modules begins and ends. */
  start: number;
  end: number;
  modules: Property[];
}

/**
 * @param chunks file name → source
 * @param nameOf a file name for modules that are shared, without extension
 * @param whole files that keep all their modules, because each start loads them: another file would take longer than the copies
 * @returns all files; a source that isn't a chunk is unchanged
 */
export function withSharedModules(
  chunks: ReadonlyMap<string, string>,
  nameOf: (ids: readonly string[]) => string,
  { least = leastSaved, whole = new Set() }: { least?: number; whole?: ReadonlySet<string> } = {},
): Map<string, string> {
  const read = new Map<string, Chunk>();
  for (const [name, source] of chunks) {
    const chunk = whole.has(name) ? undefined : chunkOf(name, source);
    if (chunk) read.set(name, chunk);
  }
  const groups = groupsOf(read).filter(({ modules, files }) => sizeOf(modules) * (files.length - 1) >= least);
  const result = new Map(chunks);
  const imports = new Map<string, string[]>();
  const moved = new Map<string, Set<string>>();
  for (const { modules, files } of groups) {
    const shared = `${nameOf(modules.map(({ id }) => id))}.js`;
    if (result.has(shared)) throw new Error(`two files of the bundle would be called ${shared}`);
    result.set(shared, `export const modules = {\n${modules.map(({ text }) => text).join(",\n")}\n};\n`);
    for (const file of files) {
      imports.set(file, [...(imports.get(file) ?? []), shared]);
      moved.set(file, new Set([...(moved.get(file) ?? []), ...modules.map(({ id }) => id)]));
    }
  }
  for (const [file, from] of imports) {
    const [source, chunk, gone] = [chunks.get(file), read.get(file), moved.get(file)];
    if (source === undefined || !chunk || !gone) continue;
    const own = chunk.modules.filter(({ id }) => !gone.has(id)).map(({ text }) => text);
    const lines = from.map((shared, index) => `import { modules as shared${index} } from "./${shared}";\n`).join("");
    const spread = from.map((_, index) => `...shared${index}`);
    result.set(file, `${lines}${source.slice(0, chunk.start)}{\n${[...spread, ...own].join(",\n")}\n}${source.slice(chunk.end)}`);
  }
  return result;
}

interface Group {
  modules: Property[];
  files: string[];
}

/** Modules that are in the same files with the same text, in a fixed order. */
function groupsOf(chunks: ReadonlyMap<string, Chunk>): Group[] {
  const places = new Map<string, { property: Property; files: string[] }>();
  for (const [file, { modules }] of [...chunks].sort(([a], [b]) => (a < b ? -1 : 1)))
    for (const property of modules) {
      // One chunk may use more of a module than another.
      const key = `${property.id} ${property.text}`;
      const known = places.get(key);
      if (known) known.files.push(file);
      else places.set(key, { property, files: [file] });
    }
  const groups = new Map<string, Group>();
  for (const { property, files } of places.values()) {
    if (files.length < 2) continue;
    const key = files.join("\n");
    const group = groups.get(key);
    if (group) group.modules.push(property);
    else groups.set(key, { modules: [property], files });
  }
  return [...groups.values()].map(({ modules, files }) => ({
    files,
    modules: modules.toSorted((a, b) => Number(a.id) - Number(b.id)),
  }));
}

function sizeOf(modules: readonly Property[]): number {
  return modules.reduce((sum, { text }) => sum + text.length, 0);
}

/** @returns undefined if the source is no chunk: it has no object `modules` */
export function chunkOf(name: string, source: string): Chunk | undefined {
  if (!name.endsWith(".js")) return undefined;
  const { program, errors } = parseSync(name, source);
  if (errors.length > 0) throw new Error(`${name}: ${errors[0]?.message}`);
  let ids: number[] = [];
  for (const statement of program.body) {
    if (statement.type !== "ExportNamedDeclaration" || statement.declaration?.type !== "VariableDeclaration") continue;
    for (const { id, init } of statement.declaration.declarations) {
      if (id.type === "Identifier" && id.name === "ids" && init?.type === "ArrayExpression")
        ids = init.elements.map((element) => (element?.type === "Literal" ? Number(element.value) : Number.NaN));
      if (id.type !== "Identifier" || id.name !== "modules" || init?.type !== "ObjectExpression") continue;
      const modules = init.properties.map(({ start, end }) => {
        const text = source.slice(start, end);
        return { id: /^\s*["']?([^"':\s]+)/.exec(text)?.[1] ?? text, text };
      });
      return { ids, start: init.start, end: init.end, modules };
    }
  }
  return undefined;
}
