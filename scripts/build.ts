import { spawnSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, resolve, sep } from "node:path";
import { parseArgs } from "node:util";
import ncc from "@vercel/ncc";
import { rolldown } from "rolldown";
import { minify } from "rolldown/utils";
import { chunkNames, sharedNames, withChunkNames } from "./chunk-names.ts";
import { withDirectExports } from "./direct-exports.ts";
import { type FunctionList, withEagerFunctions } from "./eager-functions.ts";
import { withShortExternals } from "./external-modules.ts";
import { joinedNames, wholeFiles, withJoinedChunks } from "./joined-chunks.ts";
import { completeLicences } from "./licences.ts";
import { withSharedModules } from "./shared-modules.ts";

/**
 * Builds the files for runners and for test suites: src → `tsc` → build/ → ncc → dist/, and build/src/testkit/ → rolldown →
 * dist/testkit/. `npm run build` writes dist/. With `--check` it writes nothing there, lists the files that differ from a fresh
 * build, and exits 1 if there are any. With `--readable FOLDER` it writes there what is not minified. The same sources give the same bytes in every folder and on every system.
 */

/** Optional packages that our code never reaches. They remain `require` calls that would fail; see docs/bundle.md. */
const optional: Record<string, string> = {
  // 18 MB of native code in one package per system. If it were bundled, dist would depend on the machine that built it.
  "/^(@databricks\\/databricks-sql-kernel-.*)$/": "$1",
  "lz4-napi": "lz4-napi",
};
/**
 * Packages that the driver requires at its start, but only for options we do not use. They are a quarter of its size and a third
 * of its load time. Each is replaced by a stub that throws, naming itself, when used; see docs/bundle.md.
 */
const unreached = ["isomorphic-ws", "open", "openid-client", "proxy-agent", "winston"];
/**
 * A package of which only what our code calls is bundled: its OIDC client, which we don't use, brings an HTTP client that takes
 * longer to load than the rest of a start. ncc bundles whole modules, so the build puts the used part in its place first.
 */
const trimmed = "@actions/core";
/** See scripts/eager-functions.ts. */
const eager = JSON.parse(readFileSync(join(import.meta.dirname, "start-functions.json"), "utf8")) as FunctionList;
const standIn = (name: string) => `left-out/${name}.cjs`;

/**
 * Test suites run on older versions of Node than the command line. The published package contains both, but can name only one
 * version.
 */
const testkitEngines = ">=18";

/** In src/lib/own-code.ts, which reads all files of the bundle ahead. */
const placeOfNumbers = "the numbers of all files";
const shebang = "#!/usr/bin/env node\n";
const compileDeadlineMs = 120_000;

/** The sources do not build. The message is for their author. */
class BuildFailure extends Error {}

/** All files of dist: path below dist/ → content. */
type BuiltFiles = ReadonlyMap<string, string>;

/**
 * Builds the repository in the working directory, and rewrites its build/.
 * @param isReadable leaves files as they are before they are minified, for a profile
 * @throws BuildFailure if the sources do not compile, or if ncc's output cannot be minified; Error if ncc fails
 */
async function buildFiles(isReadable = false): Promise<BuiltFiles> {
  rmSync("build", { recursive: true, force: true });
  compile();
  await trim(trimmed);
  const { code, assets, stats } = await bundle(resolve("build/src/program.js"));
  const names = joinedNames(chunkNames(stats));
  const named = withChunkNames(code, names);
  if (named === undefined) throw new BuildFailure("ncc names its chunks in another way than scripts/chunk-names.ts knows");
  const program = short(named);
  const entry = short(withoutShebang((await bundle(resolve("build/src/main.js"))).code));
  const numbers = [...names.keys()].map((file) => file.split(".", 1)[0]).join(",");
  const filled = (source: string) => source.replace(placeOfNumbers, numbers);
  if (
    ![program, ...Object.values(assets).map(({ source }) => source.toString())].some((source) => source.includes(placeOfNumbers))
  )
    throw new BuildFailure(`the text "${placeOfNumbers}" of src/lib/own-code.ts is nowhere in the bundle`);
  const files = new Map<string, string>([
    ["index.js", `${shebang}${await minified("index.js", entry)}`],
    ["program.js", await minified("program.js", filled(program))],
  ]);
  for (const name of unreached) files.set(standIn(name), standInFor(name));
  const parts = new Map(Object.entries(assets).map(([file, { source }]) => [file, direct(file, source.toString())]));
  const joined = withJoinedChunks(parts, (file) => names.get(file) ?? file);
  for (const [name, source] of withSharedModules(joined, sharedNames(stats, names.values()), { whole: wholeFiles })) {
    // ncc's own option minifies only the entry, but nearly all code is in the chunks.
    const content = name === "licenses.txt" ? completeLicences(source, "node_modules") : source;
    if (isReadable) files.set(name, filled(content));
    else files.set(name, name.endsWith(".js") ? await minified(name, withEagerFunctions(name, filled(source), eager)) : content);
  }
  for (const [name, content] of await testkit()) files.set(`testkit/${name}`, content);
  return files;
}

/**
 * The files that test suites import, for both module systems. Not minified, because they are small and appear in stack traces.
 */
async function testkit(): Promise<BuiltFiles> {
  const entry = join("build", "src", "testkit", "index");
  const types = readFileSync(`${entry}.d.ts`, "utf8");
  // The types are copied alone, so they must not import other files.
  if (/from "\.|import\("\./.test(types)) throw new BuildFailure("the types of src/testkit/index.ts must stand in that file");
  const files = new Map([
    ["index.d.ts", types],
    ["index.d.cts", types],
    ["package.json", `${JSON.stringify({ type: "module", engines: { node: testkitEngines } }, undefined, 2)}\n`],
  ]);
  const bundle = await rolldown({ input: `${entry}.js`, platform: "node", external: /^node:/ });
  for (const [name, format] of [
    ["index.mjs", "esm"],
    ["index.cjs", "cjs"],
  ] as const) {
    const { output } = await bundle.generate({ format });
    files.set(name, output[0].code);
  }
  await bundle.close();
  return files;
}

/** Lists files that are missing, superfluous or different in `dist`, if it exists. */
function drift(built: BuiltFiles, dist: string): string[] {
  const present = new Set(existsSync(dist) ? filesBelow(dist) : []);
  const findings: string[] = [];
  for (const [name, content] of built) {
    if (!present.has(name)) findings.push(`dist/${name} is missing`);
    else if (readFileSync(join(dist, name), "utf8") !== content) findings.push(`dist/${name} differs from the sources`);
  }
  for (const name of present) if (!built.has(name)) findings.push(`dist/${name} is not built any more`);
  // Windows has no executable bit; git keeps it there.
  const entry = join(dist, "index.js");
  if (process.platform !== "win32" && present.has("index.js") && (statSync(entry).mode & 0o111) === 0)
    findings.push("dist/index.js is not executable");
  return findings;
}

/** @returns the paths of all files below the folder, with `/` */
function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .map((path) => path.split(sep).join("/"));
}

function writeDist(built: BuiltFiles, dist: string): void {
  rmSync(dist, { recursive: true, force: true });
  for (const [name, content] of built) {
    const path = join(dist, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
  }
  chmodSync(join(dist, "index.js"), 0o755);
}

function compile(): void {
  const tsc = join("node_modules", "typescript", "bin", "tsc");
  const { status, error, stdout, stderr } = spawnSync(process.execPath, [tsc, "-p", "tsconfig.build.json"], {
    timeout: compileDeadlineMs,
    encoding: "utf8",
  });
  if (error) throw new BuildFailure(`tsc: ${error.message}`);
  if (status !== 0) throw new BuildFailure(`the sources do not compile:\n${stdout}${stderr}`);
}

/** Writes the used part of a package below build/, where the compiled sources find it before the one in node_modules. */
async function trim(name: string): Promise<void> {
  const from = join("node_modules", name);
  const to = join("build", "node_modules", name);
  const entry = join(to, "entry.js");
  mkdirSync(to, { recursive: true });
  writeFileSync(entry, `export { ${[...usedOf(name)].sort().join(", ")} } from "${name}";\n`);
  const parts = await rolldown({
    input: entry,
    platform: "node",
    treeshake: { moduleSideEffects: false },
    // Not the file that is about to be written.
    plugins: [{ name: "whole", resolveId: (id) => (id === name ? resolve(from, "lib", "core.js") : undefined) }],
  });
  const { output } = await parts.generate({ format: "esm" });
  await parts.close();
  rmSync(entry);
  writeFileSync(join(to, "index.js"), output[0].code);
  const { version, license } = JSON.parse(readFileSync(join(from, "package.json"), "utf8")) as Record<string, string>;
  writeFileSync(join(to, "package.json"), JSON.stringify({ name, version, license, type: "module", main: "index.js" }));
  copyFileSync(join(from, "LICENSE.md"), join(to, "LICENSE.md"));
}

/** The names that the sources use of a package that they import as `core`. */
function usedOf(name: string): Set<string> {
  const used = new Set<string>();
  for (const file of filesBelow(join("build", "src")).filter((path) => path.endsWith(".js"))) {
    const text = readFileSync(join("build", "src", file), "utf8");
    if (text.includes(`import * as core from "${name}"`))
      for (const [, member = ""] of text.matchAll(/\bcore\.(\w+)/g)) used.add(member);
  }
  return used;
}

function bundle(entry: string) {
  const externals = { ...optional, ...Object.fromEntries(unreached.map((name) => [name, `./${standIn(name)}`])) };
  return ncc(entry, { cache: false, externals, license: "licenses.txt", quiet: true });
}

/** A check for the kind of module does not count as use. */
function standInFor(name: string): string {
  return `// docs/bundle.md of env-actions says why ${name} is not here.
function reached() {
  throw new Error("${name} is not part of env-actions: nothing was expected to use it. Please report this.");
}
module.exports = new Proxy(reached, { get: (_, member) => (member === "__esModule" ? undefined : reached()) });
`;
}

async function minified(name: string, source: string): Promise<string> {
  const { code, errors } = await minify(name, source, { module: true, compress: true, mangle: true });
  if (errors.length > 0) throw new BuildFailure(`${name} cannot be minified: ${errors.map((error) => error.message).join("; ")}`);
  return code.endsWith("\n") ? code : `${code}\n`;
}

function direct(file: string, source: string): string {
  return file.endsWith(".js") ? withDirectExports(file, source) : source;
}

function short(source: string): string {
  const made = withShortExternals(source);
  if (made === undefined)
    throw new BuildFailure("ncc defines Node's modules in another way than scripts/external-modules.ts knows");
  return made;
}

function withoutShebang(code: string): string {
  return code.replace(/^#!.*\n/, "");
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { check: { type: "boolean", default: false }, readable: { type: "string" } } });
  // webpack numbers modules by their path from the working directory, so another directory would give other bytes.
  process.chdir(join(import.meta.dirname, ".."));
  if (values.readable !== undefined) return writeDist(await buildFiles(true), values.readable);
  const built = await buildFiles();
  if (!values.check) {
    writeDist(built, "dist");
    for (const [name, content] of built) console.log(`dist/${name} ${Math.ceil(Buffer.byteLength(content) / 1000)} kB`);
    return;
  }
  const findings = drift(built, "dist");
  for (const finding of findings) console.error(finding);
  if (findings.length > 0) console.error("dist/ is not what the sources build: run npm run build, and commit dist/");
  process.exitCode = findings.length > 0 ? 1 : 0;
}

try {
  await main();
} catch (error) {
  if (!(error instanceof BuildFailure)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
