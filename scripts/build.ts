import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, resolve, sep } from "node:path";
import { parseArgs } from "node:util";
import ncc from "@vercel/ncc";
import { rolldown } from "rolldown";
import { minify } from "rolldown/utils";
import { chunkNames, withChunkNames } from "./chunk-names.ts";

/**
 * Builds what runs on a runner, and what test suites import: src → `tsc` → build/ → ncc → dist/, and build/src/testkit/ → rolldown →
 * dist/testkit/. `npm run build` writes dist/; with `--check` it writes nothing there, names the files that differ from a fresh
 * build, and exits 1 when there are any. The same sources give the same bytes in any folder and on any system.
 */

/** Optional packages that no path of ours reaches. They stay requires that would fail if they were reached; see docs/bundle.md. */
const optional: Record<string, string> = {
  // Native code, 18 MB of it, and one package per system: bundled, dist would depend on where it was built.
  "/^(@databricks\\/databricks-sql-kernel-.*)$/": "$1",
  "lz4-napi": "lz4-napi",
};
/**
 * Packages that the driver requires at its own start, for what no option of ours uses: they are a quarter of it, and loading them takes
 * a third of the time that loading it takes. In the place of each stands a file that tells so whoever reaches it; see docs/bundle.md.
 */
const unreached = ["isomorphic-ws", "open", "openid-client", "proxy-agent", "winston"];
const standIn = (name: string) => `left-out/${name}.cjs`;

/** Test suites run on older versions of Node than the command line does. The package that both are in can name only one of them. */
const testkitEngines = ">=18";

const shebang = "#!/usr/bin/env node\n";
const compileDeadlineMs = 120_000;

/** The sources do not build; the message is for whoever wrote them. */
class BuildFailure extends Error {}

/** Path below dist/ → content, with everything that belongs there. */
type BuiltFiles = ReadonlyMap<string, string>;

/**
 * Builds the repository in the working directory; its build/ is written anew.
 * @throws BuildFailure when the sources do not compile, or what ncc made of them cannot be minified; Error when ncc fails
 */
async function buildFiles(): Promise<BuiltFiles> {
  rmSync("build", { recursive: true, force: true });
  compile();
  const { code, assets, stats } = await bundle(resolve("build/src/main.js"));
  const names = chunkNames(stats);
  const entry = withChunkNames(withoutShebang(code), names);
  if (entry === undefined) throw new BuildFailure("ncc names its chunks in another way than scripts/chunk-names.ts knows");
  const files = new Map<string, string>([["index.js", `${shebang}${await minified("index.js", entry)}`]]);
  for (const name of unreached) files.set(standIn(name), standInFor(name));
  for (const [given, asset] of Object.entries(assets)) {
    const name = names.get(given) ?? given;
    const source = Buffer.from(asset.source).toString();
    // ncc's own option minifies the entry only, and the chunks are nearly all of it.
    files.set(name, name.endsWith(".js") ? await minified(name, source) : source);
  }
  for (const [name, content] of await testkit()) files.set(`testkit/${name}`, content);
  return files;
}

/** What test suites import, for both kinds of modules. Not minified: it is small, and stands in the stacks of their failures. */
async function testkit(): Promise<BuiltFiles> {
  const entry = join("build", "src", "testkit", "index");
  const types = readFileSync(`${entry}.d.ts`, "utf8");
  // It is copied alone: what it took from beside it would be missing.
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

/** Names what is missing, superfluous or different in `dist`, where a dist is. */
function drift(built: BuiltFiles, dist: string): string[] {
  const present = new Set(existsSync(dist) ? filesBelow(dist) : []);
  const findings: string[] = [];
  for (const [name, content] of built) {
    if (!present.has(name)) findings.push(`dist/${name} is missing`);
    else if (readFileSync(join(dist, name), "utf8") !== content) findings.push(`dist/${name} differs from the sources`);
  }
  for (const name of present) if (!built.has(name)) findings.push(`dist/${name} is not built any more`);
  // Windows has no such right; git keeps it there.
  const entry = join(dist, "index.js");
  if (process.platform !== "win32" && present.has("index.js") && (statSync(entry).mode & 0o111) === 0)
    findings.push("dist/index.js is not executable");
  return findings;
}

/** @returns paths below it, with `/` */
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

function bundle(entry: string) {
  const externals = { ...optional, ...Object.fromEntries(unreached.map((name) => [name, `./${standIn(name)}`])) };
  return ncc(entry, { cache: false, externals, license: "licenses.txt", quiet: true });
}

/** Asking what kind of module it is, is no use of it. */
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

function withoutShebang(code: string): string {
  return code.replace(/^#!.*\n/, "");
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { check: { type: "boolean", default: false } } });
  // webpack numbers modules by their path from the working directory: from another one, the same sources give other bytes.
  process.chdir(join(import.meta.dirname, ".."));
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
