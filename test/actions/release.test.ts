import {
  existsSync,
  lstatSync,
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
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { archiveSize, largestArchive, layOut } from "../../scripts/lay-out.ts";
import { release } from "../../scripts/release.ts";
import { actionNames } from "../../src/action/interface.ts";
import { sourceWithBundle } from "./published.ts";
import { git, makeRepository } from "./workspace.ts";

/** What users download and pin: a mistake here reaches all of them, and none of our other tests sees the published tree. */

let scratch: string;
let source: string;

beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), "env-actions-release-test-"));
  source = sourceWithBundle(join(scratch, "source"), "node:fs");
});
afterEach(() => rmSync(scratch, { recursive: true, force: true }));

const read = (...path: string[]) => readFileSync(join(...path), "utf8");

describe("the published tree", () => {
  test("contains the actions, the bundle and nothing else", () => {
    writeFileSync(join(source, "secret.txt"), "not for users");
    mkdirSync(join(source, "src"));
    const out = join(scratch, "out");
    layOut({ from: source, out });
    expect(readdirSync(out).sort()).toEqual(
      [...actionNames, "LICENSE", "README.md", "action.yml", "actions", "dist", "package.json", "schema"].sort(),
    );
  });

  test("is a package without dependencies and install scripts, whose files all exist", () => {
    const repository = join(import.meta.dirname, "../..");
    const out = join(scratch, "out");
    layOut({ from: repository, out, version: "1.2.3" });
    const manifest = JSON.parse(read(out, "package.json"));
    expect(manifest).toMatchObject({ name: "@classwaves/env-actions", version: "1.2.3", type: "module" });
    for (const field of ["dependencies", "devDependencies", "workspaces", "scripts"]) expect(manifest).not.toHaveProperty(field);
    const files = JSON.stringify([manifest.bin, manifest.exports, manifest.typesVersions]).match(
      /[^"]*\.(?:[cm]?js|c?ts|json)(?=")/g,
    );
    expect(files).toEqual(expect.arrayContaining(["dist/index.js", "./dist/testkit/index.mjs", "./dist/testkit/index.d.cts"]));
    for (const file of files ?? []) expect(existsSync(join(out, file)), file).toBe(true);
  });

  test("has a README whose links all lead to its own files or the repository", () => {
    const repository = join(import.meta.dirname, "../..");
    const out = join(scratch, "out");
    layOut({ from: repository, out });
    const links = [...read(out, "README.md").matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = ""]) => target);
    expect(links.length).toBeGreaterThan(20);
    const inRepository = "https://github.com/classwaves/env-actions/blob/main/";
    for (const link of links.filter((one) => !one.startsWith("#"))) {
      const file = link.replace(/#.*$/, "").replace(inRepository, "");
      if (/^[a-z]+:/.test(file)) continue;
      expect(existsSync(join(link.startsWith(inRepository) ? repository : out, file)), link).toBe(true);
    }
    expect(links).toContain("LICENSE");
    expect(links).toContain(`${inRepository}docs/books.md`);
  });

  test("has a working copy of each composite at the root", () => {
    const out = join(scratch, "out");
    layOut({ from: source, out });
    for (const stage of actionNames) {
      expect(lstatSync(join(out, stage)).isSymbolicLink()).toBe(false);
      expect(read(out, stage, "action.yml")).toBe(read(source, "actions", stage, "action.yml"));
      expect(read(out, stage, "action.yml")).toContain("uses: $/actions/core\n");
    }
  });

  test("names the core's commit in its portable form, and never `$/`", () => {
    const out = join(scratch, "out");
    const sha = "89abcdef0123456789abcdef0123456789abcdef";
    layOut({ from: source, out, portableSha: sha });
    for (const place of actionNames.flatMap((stage) => [stage, `actions/${stage}`])) {
      expect(read(out, place, "action.yml")).toContain(`uses: classwaves/env-actions/actions/core@${sha}\n`);
      expect(read(out, place, "action.yml")).not.toContain("$/");
    }
  });

  test("is refused when a file is missing, the folder is not empty, or the SHA is short", () => {
    const out = join(scratch, "out");
    expect(() => layOut({ from: source, out, portableSha: "89abcde" })).toThrow("full commit SHA");
    expect(() => layOut({ from: source, out: source })).toThrow("not empty");
    rmSync(join(source, "dist"), { recursive: true });
    expect(() => layOut({ from: source, out })).toThrow("missing: dist");
  });

  test("is refused with a symbolic link, which a Windows runner can't unpack", () => {
    symlinkSync("index.js", join(source, "dist", "link.js"));
    expect(() => layOut({ from: source, out: join(scratch, "out") })).toThrow("dist/link.js is no plain file");
  });
});

describe("a release", () => {
  let remote: string;
  const versionOf = (ref: string) => git(remote, "log", "-1", "--format=%s", ref);

  beforeEach(() => {
    remote = join(scratch, "remote.git");
    mkdirSync(remote);
    git(remote, "init", "--quiet", "--bare");
    makeRepository(source, {});
  });

  function publish(version: string): void {
    git(source, "config", "user.name", "Test");
    git(source, "config", "user.email", "test@example.com");
    release({ repository: source, version, remote });
  }

  test("puts the tree on the branch of its major version and on its tag", () => {
    publish("1.2.3");
    expect(git(remote, "rev-parse", "v1")).toBe(git(remote, "rev-parse", "refs/tags/v1.2.3"));
    const tree = git(remote, "ls-tree", "--name-only", "v1").split("\n");
    expect(tree).toEqual(expect.arrayContaining(["action.yml", "actions", "dist", ...actionNames]));
    expect(tree).not.toContain("src");
    expect(JSON.parse(git(remote, "show", "v1:package.json"))).toMatchObject({ version: "1.2.3" });
    expect(git(remote, "log", "-1", "--format=%b", "v1")).toBe(`From ${git(source, "rev-parse", "HEAD")}`);
  });

  test("has a portable form whose composites name the commit of the first", () => {
    publish("1.2.3");
    const core = git(remote, "rev-parse", "refs/tags/v1.2.3");
    expect(git(remote, "show", "v1.2.3-portable:integration/action.yml")).toContain(
      `classwaves/env-actions/actions/core@${core}`,
    );
    expect(git(remote, "show", "v1-portable:actions/core/action.yml")).toContain("main: ../../dist/index.js");
  });

  test("only moves the branch forward, from one release to the next", () => {
    publish("1.2.3");
    publish("1.3.0");
    expect(git(remote, "log", "--format=%s", "v1").split("\n")).toEqual(["env-actions 1.3.0", "env-actions 1.2.3"]);
    expect(versionOf("refs/tags/v1.2.3")).toBe("env-actions 1.2.3");
  });

  test("that exists is refused, and no tag or branch moves", () => {
    publish("1.2.3");
    const before = git(remote, "for-each-ref");
    writeFileSync(join(source, "README.md"), "changed");
    expect(() => publish("1.2.3")).toThrow();
    expect(git(remote, "for-each-ref")).toBe(before);
  });

  test("leaves the clone unchanged", () => {
    publish("1.2.3");
    expect(git(source, "status", "--porcelain")).toBe("");
  });

  test.each(["1.2", "v1.2.3", "0.1.0", "1.2.3-beta"])("%s is refused as a version", (version) => {
    expect(() => publish(version)).toThrow("not a version");
  });
});

test("this repository's published tree is within the size limit", (context) => {
  const repository = join(import.meta.dirname, "../..");
  if (!existsSync(join(repository, "dist"))) return context.skip("dist is not built");
  const out = join(scratch, "out");
  layOut({ from: repository, out });
  expect(archiveSize(out)).toBeLessThanOrEqual(largestArchive);
});
