import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { parseArgs } from "node:util";
import { actionNames } from "../src/action/interface.ts";

/**
 * Lays out the tree that a release publishes: `node scripts/lay-out.ts --out DIR [--portable --sha SHA]`. It has the composites
 * at the root too, so that `uses: classwaves/env-actions/integration@v1` works, and the reusable workflow. It contains nothing else of
 * this repository, because every user's job downloads it. The tree is also a package, from which test suites can install src/testkit.
 */

/** Callers find the reusable workflow in this folder and in no other. */
const workflow = ".github/workflows/quality-gate.yml";
const published = ["action.yml", "actions", workflow, "dist", "schema", "LICENSE", "README.md"] as const;
/** Limit for the tar.gz in bytes, because every user's job downloads it. */
export const largestArchive = 1_500_000;

export interface LayOut {
  /** The repository, or a folder with the same layout. */
  from: string;
  /** Must be empty or not exist. */
  out: string;
  /**
   * For GitHub Enterprise Server and act, which support neither `$/` nor `queue`: the full SHA of the published commit with the core.
   * It must be an earlier commit, because no commit can contain its own SHA.
   */
  portableSha?: string;
  /** Such as `1.2.3`; defaults to the version in package.json. */
  version?: string;
}

/** @throws Error if a file to publish is missing, `out` is not empty, or the SHA is not a full one */
export function layOut({ from, out, portableSha, version }: LayOut): void {
  const missing = [...published, "package.json"].filter((name) => !existsSync(join(from, name)));
  if (missing.length > 0) throw new Error(`missing: ${missing.join(", ")}. node scripts/generate.ts and npm run build make them`);
  if (portableSha !== undefined && !/^[0-9a-f]{40}$/.test(portableSha)) throw new Error("--sha must be a full commit SHA");
  mkdirSync(out, { recursive: true });
  if (readdirSync(out).length > 0) throw new Error(`${out} is not empty`);

  for (const name of published) cpSync(join(from, name), join(out, name), { recursive: true });
  for (const name of actionNames) cpSync(join(from, "actions", name), join(out, name), { recursive: true });
  writeFileSync(join(out, "README.md"), withAbsoluteLinks(readFileSync(join(out, "README.md"), "utf8"), out));
  writeFileSync(join(out, "package.json"), manifest(readFileSync(join(from, "package.json"), "utf8"), version));
  const entries = readdirSync(out, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => ({ entry, path: join(entry.parentPath, entry.name) }));
  for (const { entry, path } of files)
    if (!entry.isFile()) throw new Error(`${relative(out, path)} is no plain file; a Windows runner could not unpack it`);
  if (portableSha === undefined) return;
  for (const { entry, path } of files)
    if (entry.name === "action.yml" || path === join(out, workflow)) makePortable(path, portableSha);
}

/**
 * Size of the tree as tar.gz in bytes: what every job downloads. GitHub serves it as `git archive` makes it, with its files in the order of
 * their names. In another order it is larger, because gzip sees only 32 kB.
 */
export function archiveSize(directory: string): number {
  const files = readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(directory, join(entry.parentPath, entry.name)))
    .sort();
  const { status, stdout, stderr } = spawnSync("tar", ["-cz", "-C", directory, ...files], { maxBuffer: 100 * largestArchive });
  if (status !== 0) throw new Error(`tar failed: ${stderr}`);
  return stdout.length;
}

const sources = "https://github.com/classwaves/env-actions/blob/main/";

/**
 * The guides are not published, so links from the README on the Marketplace or on a release branch must lead to the repository.
 */
function withAbsoluteLinks(text: string, out: string): string {
  return text.replace(/\]\((?![a-z]+:|#)([^)\s]+)\)/g, (link, target: string) => {
    const [file = ""] = target.split("#");
    return existsSync(join(out, file)) ? link : `](${sources}${target})`;
  });
}

/**
 * The package.json that npm installs. It has no dependencies, because dist contains everything, and no scripts, so that an
 * installation runs none of our code.
 */
function manifest(text: string, version: string | undefined): string {
  const own = JSON.parse(text) as Record<string, unknown> & { exports: Record<string, unknown> };
  const { ".": _source, ...exports } = own.exports;
  const { name, description, license, type, repository, engines, bin, typesVersions } = own;
  const about = { name, version: version ?? own.version, description, license, type, repository, engines };
  const kept = { ...about, bin, exports, typesVersions };
  return `${JSON.stringify(kept, undefined, 2)}\n`;
}

function makePortable(file: string, sha: string): void {
  const text = readFileSync(file, "utf8");
  const portable = text
    .replace(/(\buses:\s*)\$\/(\S+)/g, (_, uses: string, path: string) => `${uses}classwaves/env-actions/${path}@${sha}`)
    .replace(/^ *queue: max\n/m, "");
  if (portable !== text) writeFileSync(file, portable);
}

function main(): void {
  const { values } = parseArgs({
    options: { out: { type: "string" }, portable: { type: "boolean", default: false }, sha: { type: "string" } },
  });
  if (!values.out || values.portable !== (values.sha !== undefined))
    throw new Error("usage: node scripts/lay-out.ts --out DIR [--portable --sha SHA]");
  layOut({ from: join(import.meta.dirname, ".."), out: values.out, portableSha: values.sha });
  const size = archiveSize(values.out);
  console.log(`${values.out}: ${Math.ceil(size / 1000)} kB as tar.gz, of at most ${largestArchive / 1000} kB`);
  if (size > largestArchive) process.exitCode = 1;
}

if (import.meta.main) main();
