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
import { afterAll, beforeAll, expect, it, vi } from "vitest";

// A build is three tools on a machine that runs other tests too.
vi.setConfig({ testTimeout: 120_000 });

/**
 * The real build (tsc, ncc, minifier) of small sources. CI compares the committed dist with a build on another machine, in another
 * folder: what depended on either would be drift that nobody made.
 */

const repository = join(import.meta.dirname, "..", "..");
const sources = {
  "main.ts": 'const { greet } = await import("./cli/greet.ts");\nconsole.log(greet(process.argv[2]));\n',
  "cli/greet.ts":
    "export function greet(longParameterName: string | undefined): string {\n  return `hello ${longParameterName}`;\n}\n",
};

let root: string;

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "build-"));
});

afterAll(() => rmSync(root, { recursive: true, force: true }));

function repositoryAt(folder: string, files: Record<string, string> = sources): string {
  const path = join(root, folder);
  mkdirSync(join(path, "scripts"), { recursive: true });
  mkdirSync(join(path, "src", "cli"), { recursive: true });
  for (const name of ["package.json", "tsconfig.json", "tsconfig.build.json", "scripts/build.ts"])
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
    readdirSync(folder)
      .sort()
      .map((name) => [name, readFileSync(join(folder, name), "utf8")]),
  );
}

it("makes the same bytes in another folder, runs as a program, and minifies what is loaded later too", () => {
  const one = repositoryAt("one");
  // Beside the first, because the way to the borrowed node_modules counts, which in a real repository is the same everywhere.
  const other = repositoryAt("other");
  expect(build(one)).toMatchObject({ status: 0, stderr: "" });
  expect(build(other, [], { cwd: other }).status).toBe(0);
  expect(dist(other)).toEqual(dist(one));
  expect(spawnSync(join(one, "dist", "index.js"), ["you"], { encoding: "utf8" })).toMatchObject({
    stdout: "hello you\n",
    status: 0,
  });
  expect(JSON.parse(dist(one)["package.json"] ?? "")).toEqual({ type: "module" });
  const chunks = Object.entries(dist(one)).filter(([name]) => name.endsWith(".index.js"));
  expect(chunks).toHaveLength(1);
  expect(chunks[0]?.[1]).not.toContain("longParameterName");
});

it("--check names every file that is not what the sources build, and changes none", () => {
  const path = repositoryAt("checked");
  build(path);
  expect(build(path, ["--check"])).toMatchObject({ status: 0, stderr: "" });
  const chunk = Object.keys(dist(path)).find((name) => name.endsWith(".index.js")) ?? "";
  writeFileSync(join(path, "dist", "index.js"), "edited by hand");
  rmSync(join(path, "dist", chunk));
  writeFileSync(join(path, "dist", "old.index.js"), "");
  chmodSync(join(path, "dist", "index.js"), 0o644);
  const before = dist(path);
  const { status, stderr } = build(path, ["--check"]);
  expect(status).toBe(1);
  expect(stderr.split("\n").slice(0, 4).sort()).toEqual([
    `dist/${chunk} is missing`,
    "dist/index.js differs from the sources",
    "dist/index.js is not executable",
    "dist/old.index.js is not built any more",
  ]);
  expect(dist(path)).toEqual(before);
});

it("leaves dist alone when the sources do not compile, and says where", () => {
  const path = repositoryAt("broken", { ...sources, "cli/greet.ts": "export const greet: number = 'text';\n" });
  mkdirSync(join(path, "dist"));
  writeFileSync(join(path, "dist", "index.js"), "earlier");
  const { status, stderr } = build(path);
  expect(status).toBe(1);
  expect(stderr).toContain("src/cli/greet.ts(1,14)");
  expect(stderr).not.toContain("at compile");
  expect(dist(path)).toEqual({ "index.js": "earlier" });
});
