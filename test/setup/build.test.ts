import { spawnSync } from "node:child_process";
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";

// A build runs three tools, on a machine that may run other tests at the same time.

/**
 * The real build (tsc, ncc, minifier) of small sources. CI compares the committed dist with a build on another machine, in another
 * folder. If the output depended on either, CI would report a difference that no change caused.
 */

const repository = join(import.meta.dirname, "..", "..");
const sources = {
  "main.ts": 'await import(/* webpackIgnore: true */ "./program.ts");\n',
  // Says nothing unless the build has put the numbers of the files in.
  "program.ts":
    'const { greet } = await import("./cli/greet.ts");\nif (/^\\d/.test("the numbers of all files")) console.log(greet(process.argv[2]));\n',
  "cli/greet.ts":
    "export function greet(longParameterName: string | undefined): string {\n  return `hello ${longParameterName}`;\n}\n",
  "testkit/index.ts":
    '/** Says where it is. */\nexport const place: string = "here";\nexport { basename } from "node:path";\nimport { other } from "./other.ts";\nexport const both = (): string[] => [place, other];\n',
  "testkit/other.ts": 'export const other = "there";\n',
};

let root: string;

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "build-"));
});

afterAll(() => rmSync(root, { recursive: true, force: true }));

function repositoryAt(folder: string, files: Record<string, string> = sources): string {
  const path = join(root, folder);
  mkdirSync(join(path, "scripts"), { recursive: true });
  for (const room of ["cli", "testkit"]) mkdirSync(join(path, "src", room), { recursive: true });
  for (const name of [
    "package.json",
    "tsconfig.json",
    "tsconfig.build.json",
    "scripts/build.ts",
    "scripts/chunk-names.ts",
    "scripts/direct-exports.ts",
    "scripts/eager-functions.ts",
    "scripts/external-modules.ts",
    "scripts/joined-chunks.ts",
    "scripts/syntax-tree.ts",
    "scripts/licences.ts",
    "scripts/shared-modules.ts",
    "scripts/start-functions.json",
  ])
    cpSync(join(repository, name), join(path, name));
  symlinkSync(join(repository, "node_modules"), join(path, "node_modules"));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(path, "src", name), text);
  return path;
}

function build(path: string, args: string[] = [], { cwd = root } = {}) {
  return spawnSync(process.execPath, [join(path, "scripts", "build.ts"), ...args], {
    cwd,
    encoding: "utf8",
    timeout: 60_000,
  });
}

function dist(path: string): Record<string, string> {
  const folder = join(path, "dist");
  return Object.fromEntries(
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .sort()
      .map((file) => [file.slice(folder.length + 1), readFileSync(file, "utf8")]),
  );
}

function chunksOf(built: Record<string, string>): string[] {
  return Object.keys(built).filter((name) => /^[^/]+\.js$/.test(name) && name !== "index.js" && name !== "program.js");
}

it("makes the same bytes in another folder, runs as a program, and also minifies chunks that are loaded later", () => {
  const one = repositoryAt("one");
  // Next to the first, because the relative path to the borrowed node_modules matters. In a real repository it is always the same.
  const other = repositoryAt("other");
  expect(build(one)).toMatchObject({ status: 0, stderr: "" });
  expect(build(other, [], { cwd: other }).status).toBe(0);
  expect(dist(other)).toEqual(dist(one));
  expect(spawnSync(join(one, "dist", "index.js"), ["you"], { encoding: "utf8" })).toMatchObject({
    stdout: "hello you\n",
    status: 0,
  });
  expect(JSON.parse(dist(one)["package.json"] ?? "")).toEqual({ type: "module" });
  const chunks = chunksOf(dist(one));
  // A chunk that is loaded later has the name of its source file.
  expect(chunks).toEqual(["cli-greet.js"]);
  expect(dist(one)["cli-greet.js"]).not.toContain("longParameterName");
});

it("builds the testkit as ES module and CommonJS, each in one file, with its types", () => {
  const path = repositoryAt("testkit");
  expect(build(path)).toMatchObject({ status: 0, stderr: "" });
  const folder = join(path, "dist", "testkit");
  expect(readdirSync(folder).sort()).toEqual(["index.cjs", "index.d.cts", "index.d.ts", "index.mjs", "package.json"]);
  for (const [type, code] of [
    ["module", 'import { both } from "./index.mjs"; console.log(both().join())'],
    ["commonjs", 'console.log(require("./index.cjs").both().join())'],
  ]) {
    const run = spawnSync(process.execPath, [`--input-type=${type}`, "--eval", code ?? ""], { cwd: folder, encoding: "utf8" });
    expect(run).toMatchObject({ stdout: "here,there\n", stderr: "" });
  }
  expect(JSON.parse(dist(path)["testkit/package.json"] ?? "")).toEqual({ type: "module", engines: { node: ">=18" } });
  expect(dist(path)["testkit/index.d.ts"]).toContain("/** Says where it is. */\nexport declare const place: string;");
  expect(dist(path)["testkit/index.d.cts"]).toBe(dist(path)["testkit/index.d.ts"]);
});

it("refuses types that need another file, because the types are published in one file", () => {
  const types = 'export type { Other } from "./other.ts";\n';
  const path = repositoryAt("apart", { ...sources, "testkit/index.ts": types, "testkit/other.ts": "export type Other = 1;\n" });
  expect(build(path)).toMatchObject({ status: 1, stderr: expect.stringContaining("must stand in that file") });
});

it("--check names every file that differs from a new build, and changes none", () => {
  const path = repositoryAt("checked");
  build(path);
  expect(build(path, ["--check"])).toMatchObject({ status: 0, stderr: "" });
  const chunk = chunksOf(dist(path))[0] ?? "";
  writeFileSync(join(path, "dist", "index.js"), "edited by hand");
  rmSync(join(path, "dist", chunk));
  writeFileSync(join(path, "dist", "old.js"), "");
  rmSync(join(path, "dist", "testkit", "index.cjs"));
  writeFileSync(join(path, "dist", "testkit", "index.d.ts"), "export {};");
  chmodSync(join(path, "dist", "index.js"), 0o644);
  const before = dist(path);
  const { status, stderr } = build(path, ["--check"]);
  expect(status).toBe(1);
  expect(stderr.split("\n").slice(0, 6).sort()).toEqual([
    `dist/${chunk} is missing`,
    "dist/index.js differs from the sources",
    "dist/index.js is not executable",
    "dist/old.js is not built any more",
    "dist/testkit/index.cjs is missing",
    "dist/testkit/index.d.ts differs from the sources",
  ]);
  expect(dist(path)).toEqual(before);
});

it("does not change dist if the sources do not compile, and names the place", () => {
  const path = repositoryAt("broken", { ...sources, "cli/greet.ts": "export const greet: number = 'text';\n" });
  mkdirSync(join(path, "dist"));
  writeFileSync(join(path, "dist", "index.js"), "earlier");
  const { status, stderr } = build(path);
  expect(status).toBe(1);
  expect(stderr).toContain("src/cli/greet.ts(1,14)");
  expect(stderr).not.toContain("at compile");
  expect(dist(path)).toEqual({ "index.js": "earlier" });
});
