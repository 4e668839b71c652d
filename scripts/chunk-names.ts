import { posix } from "node:path";
import type { Stats } from "@vercel/ncc";

/**
 * webpack numbers the bundle's chunks. This names each after its largest part: a package, or a file of ours with its room. Stack
 * traces and the list of changes in dist/ are then readable.
 */

interface Part {
  /** A package, or a path below src/ without extension. */
  owner: string;
  isPackage: boolean;
  /** The module's file, without extension. */
  file: string;
  size: number;
}

/** Maps webpack's file names to descriptive ones. The same modules always give the same names. */
export function chunkNames(stats: Stats): Map<string, string> {
  const { chunks = [] } = stats.toJson({ all: false, chunks: true, chunkModules: true, dependentModules: true, ids: true });
  const numbered = chunks
    .filter(({ names }) => !names.includes("main"))
    .flatMap(({ files: [file], modules = [] }) =>
      file === undefined ? [] : [{ file, owners: ownersOf(modules.flatMap(partOf)) }],
    )
    .sort((one, other) => claimOf(other.owners) - claimOf(one.owners) || (one.file < other.file ? -1 : 1));
  const names = new Map<string, string>();
  const taken = new Set(["index", "program"]);
  for (const { file, owners } of numbered) {
    const number = file.split(".", 1)[0] ?? file;
    const name = [...candidates(owners), `chunk-${number}`].find((candidate) => !taken.has(candidate.toLowerCase())) ?? number;
    taken.add(name.toLowerCase());
    names.set(file, `${name}.js`);
  }
  return names;
}

/**
 * Names files for modules that several chunks have, after their largest part: `shared-lib-retry`.
 * @param others names that are taken, with extension
 */
export function sharedNames(stats: Stats, others: Iterable<string>): (ids: readonly string[]) => string {
  const { chunks = [] } = stats.toJson({ all: false, chunks: true, chunkModules: true, dependentModules: true, ids: true });
  const parts = new Map(chunks.flatMap(({ modules = [] }) => modules.map((module) => [String(module.id), partOf(module)])));
  const taken = new Set([...others].map((name) => name.toLowerCase()));
  return (ids) => {
    const possible = candidates(ownersOf(ids.flatMap((id) => parts.get(id) ?? []))).map((name) => `shared-${name}`);
    const name =
      [...possible, `shared-${ids[0]}`].find((one) => !taken.has(`${one}.js`.toLowerCase())) ?? `shared-${ids.join("-")}`;
    taken.add(`${name}.js`.toLowerCase());
    return name;
  };
}

/**
 * Possible names, best first: the largest owner, then its largest file if that is one of several in a package, then the next
 * owner.
 */
function candidates([first, ...others]: readonly Part[]): string[] {
  if (!first) return [];
  const rest = first.isPackage
    ? [`${first.owner}-${first.file}`]
    : others.filter((part) => !part.isPackage).map((part) => part.owner);
  return [first.owner, ...rest].map((name) => name.replace(/^@/, "").replaceAll("/", "-"));
}

/** The owners of a chunk's modules, largest first, each with its largest file. */
function ownersOf(parts: readonly Part[]): Part[] {
  const owners = new Map<string, Part>();
  for (const part of parts.toSorted((one, other) => other.size - one.size)) {
    const known = owners.get(part.owner);
    if (known) known.size += part.size;
    else owners.set(part.owner, { ...part });
  }
  return [...owners.values()].sort((one, other) => other.size - one.size || (one.owner < other.owner ? -1 : 1));
}

/** Ranks chunks that want the same name: by the size of the package in them, or by the share of our file. */
function claimOf(owners: readonly Part[]): number {
  const [first] = owners;
  if (!first || first.isPackage) return first?.size ?? 0;
  return first.size / owners.reduce((sum, { size }) => sum + size, 0);
}

/**
 * Changes the entry, in which webpack's runtime turns a chunk's number into a file name; undefined if that code is not as
 * expected.
 */
export function withChunkNames(entry: string, names: ReadonlyMap<string, string>): string | undefined {
  const known = 'return "" + chunkId + ".index.js";';
  if (names.size === 0) return entry;
  if (entry.split(known).length !== 2) return undefined;
  const byNumber = Object.fromEntries([...names].map(([file, name]) => [file.split(".", 1)[0], name]));
  return entry.replace(known, () => `return ${JSON.stringify(byNumber)}[chunkId];`);
}

function partOf({ name = "", size = 0 }: { name?: string; size?: number }): Part[] {
  // `./build/src/cli/undo.js + 2 modules`: webpack names joined modules after the first.
  const [path = ""] = name.split(" ", 1);
  const file = posix.basename(path).replace(/\.\w+$/, "");
  const ofPackage = /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1];
  if (ofPackage !== undefined) return [{ owner: ofPackage, isPackage: true, file, size }];
  const ours = /^\.\/build\/src\/(.+)\.js$/.exec(path)?.[1];
  return ours === undefined ? [] : [{ owner: ours, isPackage: false, file, size }];
}
