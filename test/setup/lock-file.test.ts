import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";

/**
 * package-lock.json must install the same packages on every system. npm drops the hashes, or the whole entries, of packages for other
 * systems when it writes the file on a machine that has `node_modules` already.
 */

interface Entry {
  version?: string;
  integrity?: string;
  resolved?: string;
  link?: boolean;
  os?: string[];
  optionalDependencies?: Record<string, string>;
}

const root = join(import.meta.dirname, "..", "..");
const { packages } = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")) as { packages: Record<string, Entry> };
const installed = Object.entries(packages).filter(([path, { link }]) => path.includes("node_modules/") && !link);

/** The driver requires this version, which was never published for this system. npm leaves it out because it is optional. */
const neverPublished = ["node_modules/@databricks/databricks-sql-kernel-win32-x64-msvc"];

/** The path where Node finds a package that another one requires. */
function entryOf(name: string, from: string): string | undefined {
  const folders = from
    .split("/node_modules/")
    .map((_, index, parts) => parts.slice(0, parts.length - index).join("/node_modules/"));
  return [...folders.map((folder) => `${folder}/node_modules/${name}`), `node_modules/${name}`].find((path) => packages[path]);
}

describe("package-lock.json", () => {
  test("has the hash of every package", () => {
    const without = installed.filter(([, { integrity }]) => !/^sha512-[\w+/]{86}==$/.test(integrity ?? "")).map(([path]) => path);
    expect(without).toEqual(neverPublished);
  });

  test("names only npm's registry", () => {
    const elsewhere = installed.filter(([, { resolved }]) => resolved && !resolved.startsWith("https://registry.npmjs.org/"));
    expect(elsewhere.map(([path, { resolved }]) => `${path}: ${resolved}`)).toEqual([]);
  });

  test("has every optional package, for every system", () => {
    const missing = Object.entries(packages).flatMap(([path, { optionalDependencies = {} }]) =>
      Object.keys(optionalDependencies)
        .filter((name) => entryOf(name, path) === undefined)
        .map((name) => `${name} of ${path}`),
    );
    expect(missing).toEqual([]);
  });

  test.each(["linux", "darwin", "win32"])("has the packages that %s needs", (system) => {
    const forSystem = installed.filter(([, { os }]) => os?.includes(system)).map(([path]) => path);
    for (const family of ["@biomejs/cli-", "@duckdb/node-bindings-", "@rolldown/binding-", "@typescript/typescript-"])
      expect(forSystem.filter((path) => path.includes(family))).not.toEqual([]);
  });
});
