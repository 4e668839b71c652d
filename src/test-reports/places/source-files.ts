import { existsSync } from "node:fs";
import { isAbsolute, relative, resolve, sep } from "node:path";

/** Makes an absolute path inside the workspace relative to it, with slashes; other paths stay unchanged. */
export function fromWorkspace(workspace: string, path: string): string {
  if (!isAbsolute(path)) return path;
  const inside = relative(workspace, path);
  return inside === ".." || inside.startsWith(`..${sep}`) || isAbsolute(inside) ? path : inside.split(sep).join("/");
}

/** Where build tools keep the sources of a package. A stack only names the package. */
const sourceRoots = ["src/test/java", "src/test/kotlin", "src/test/scala", "src/test/groovy", "src/main/java", "src/main/kotlin"];

const packaged = /\.(?:java|kt|scala|groovy)$/;

/** A report with more files is unusual. Each may be looked up on the disk in several folders. */
const mostKnown = 20_000;
const mostLookups = 100_000;

interface Found {
  path: string;
  exists: boolean;
}

/**
 * Converts a report's file names to workspace paths, so that annotations find the file. A relative name is resolved where the
 * command ran, if that file exists. One from Windows is resolved by its last folders. Otherwise only the runner knows its base, and
 * it stays unchanged.
 */
export class SourceFiles {
  readonly #workspace: string;
  /** Mostly it is the same folder twice. */
  readonly #bases: ReadonlySet<string>;
  readonly #known = new Map<string, Found>();
  #lookups = 0;

  constructor(workspace: string, cwd: string) {
    this.#workspace = workspace;
    this.#bases = new Set([cwd, workspace]);
  }

  /** The name to show. */
  nameOf(file: string): string {
    return this.#find(file).path;
  }

  /** Whether it is a file of the workspace. */
  has(file: string): boolean {
    return this.#find(file).exists;
  }

  #find(file: string): Found {
    const known = this.#known.get(file);
    if (known) return known;
    // A name from a stack is a part of it in memory, and would keep all of it.
    const copy = structuredClone(file);
    const found = this.#lookUp(copy);
    if (this.#known.size < mostKnown) this.#known.set(copy, found);
    return found;
  }

  #lookUp(file: string): Found {
    if (isAbsolute(file)) return this.#at(file) ?? { path: fromWorkspace(this.#workspace, file), exists: false };
    const [slashed, drive] = [isWindows(file) ? file.replaceAll("\\", "/") : file, hasDrive(file)];
    return (
      this.#candidate(drive ? suffixesOf(slashed) : withoutClimbing(slashed)) ?? {
        path: drive ? file : slashed.replace(/^(?:\.\/)+/, ""),
        exists: false,
      }
    );
  }

  #candidate(names: readonly string[]): Found | undefined {
    for (const name of names)
      for (const root of packaged.test(name) ? ["", ...sourceRoots] : [""])
        for (const base of this.#bases) {
          const found = this.#at(resolve(base, root, name));
          if (found) return found;
        }
    return undefined;
  }

  #at(path: string): Found | undefined {
    if (++this.#lookups > mostLookups || !existsSync(path)) return undefined;
    const name = fromWorkspace(this.#workspace, path);
    return { path: name, exists: !isAbsolute(name) };
  }
}

/** A class of PHP has backslashes, too, but no ending. */
function isWindows(file: string): boolean {
  return file.includes("\\") && (hasDrive(file) || (!file.includes("/") && /\.\w{1,8}$/.test(file)));
}

function hasDrive(file: string): boolean {
  return /^[A-Za-z]:[\\/]/.test(file);
}

/** Compilers name a file relative to the folder of the build. */
function withoutClimbing(path: string): string[] {
  const inside = path.replace(/^(?:\.\.\/){1,12}/, "");
  return inside === path ? [path] : [path, inside];
}

const deepestSuffix = 12;

/** The path without its first folders, longest first. A bare name says too little. */
function suffixesOf(path: string): string[] {
  const parts = path
    .split("/")
    .filter((part) => part !== "" && part !== "..")
    .slice(1)
    .slice(-deepestSuffix);
  return parts.slice(0, -1).map((_, index) => parts.slice(index).join("/"));
}
