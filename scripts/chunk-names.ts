import { posix } from "node:path";
import type { Stats } from "@vercel/ncc";

/**
 * webpack numbers the chunks of the bundle. Here each is named after what makes up most of it: a package, or a file of ours with its
 * room. A stack trace, and the list of what changed in dist/, then say something.
 */

interface Part {
  /** Package, or path below src/ without its ending. */
  owner: string;
  isPackage: boolean;
  /** The module's file, without its ending. */
  file: string;
  size: number;
}

/** File name that webpack gave → the one that says what it is. The same modules always give the same names. */
export function chunkNames(stats: Stats): Map<string, string> {
  const { chunks = [] } = stats.toJson({ all: false, chunks: true, chunkModules: true, dependentModules: true, ids: true });
  const numbered = chunks
    .filter(({ names }) => !names.includes("main"))
    .flatMap(({ files: [file], modules = [] }) =>
      file === undefined ? [] : [{ file, owners: ownersOf(modules.flatMap(partOf)) }],
    )
    .sort((one, other) => claimOf(other.owners) - claimOf(one.owners) || (one.file < other.file ? -1 : 1));
  const names = new Map<string, string>();
  const taken = new Set(["index"]);
  for (const { file, owners } of numbered) {
    const number = file.split(".", 1)[0] ?? file;
    const name = [...candidates(owners), `chunk-${number}`].find((candidate) => !taken.has(candidate.toLowerCase())) ?? number;
    taken.add(name.toLowerCase());
    names.set(file, `${name}.js`);
  }
  return names;
}

/** The best first: what has most of it; the file where that is one of several of a package; what has most of the rest. */
function candidates([first, ...others]: readonly Part[]): string[] {
  if (!first) return [];
  const rest = first.isPackage
    ? [`${first.owner}-${first.file}`]
    : others.filter((part) => !part.isPackage).map((part) => part.owner);
  return [first.owner, ...rest].map((name) => name.replace(/^@/, "").replaceAll("/", "-"));
}

/** Those whose modules are in it, the largest first, each with its largest file. */
function ownersOf(parts: readonly Part[]): Part[] {
  const owners = new Map<string, Part>();
  for (const part of parts.toSorted((one, other) => other.size - one.size)) {
    const known = owners.get(part.owner);
    if (known) known.size += part.size;
    else owners.set(part.owner, { ...part });
  }
  return [...owners.values()].sort((one, other) => other.size - one.size || (one.owner < other.owner ? -1 : 1));
}

/** Who has a name that two would have: the chunk with most of a package, and the one that is little else than a file of ours. */
function claimOf(owners: readonly Part[]): number {
  const [first] = owners;
  if (!first || first.isPackage) return first?.size ?? 0;
  return first.size / owners.reduce((sum, { size }) => sum + size, 0);
}

/** The entry, in which webpack's runtime makes a file name of a chunk's number; undefined where it does so in another way than known. */
export function withChunkNames(entry: string, names: ReadonlyMap<string, string>): string | undefined {
  const known = 'return "" + chunkId + ".index.js";';
  if (names.size === 0) return entry;
  if (entry.split(known).length !== 2) return undefined;
  const byNumber = Object.fromEntries([...names].map(([file, name]) => [file.split(".", 1)[0], name]));
  return entry.replace(known, () => `return ${JSON.stringify(byNumber)}[chunkId];`);
}

function partOf({ name = "", size = 0 }: { name?: string; size?: number }): Part[] {
  // `./build/src/cli/undo.js + 2 modules`: what webpack has joined is named by its first.
  const [path = ""] = name.split(" ", 1);
  const file = posix.basename(path).replace(/\.\w+$/, "");
  const ofPackage = /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1];
  if (ofPackage !== undefined) return [{ owner: ofPackage, isPackage: true, file, size }];
  const ours = /^\.\/build\/src\/(.+)\.js$/.exec(path)?.[1];
  return ours === undefined ? [] : [{ owner: ours, isPackage: false, file, size }];
}
