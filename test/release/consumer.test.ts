import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { findAct } from "../../scripts/act.ts";
import { layOut } from "../../scripts/lay-out.ts";
import { archivesOf } from "../../scripts/release/assets.ts";
import { checkDownload, checkTree, startProgram } from "../../scripts/release/consumer.ts";
import { runPortable } from "../../scripts/release/portable-run.ts";
import { makeSbom } from "../../scripts/release/sbom.ts";
import { withHeading, withVersion } from "../../scripts/release/set-version.ts";
import { notesOf, parseVersion } from "../../scripts/release/version.ts";
import { version as own } from "../../src/lib/version.ts";
import { sourceWithBundle } from "../actions/published.ts";
import { git } from "../actions/workspace.ts";
import type { Built } from "./place.ts";
import { build, commitVersion, startWorld, type World } from "./world.ts";

/** The files of a release with this repository's bundle, as somebody finds them who has nothing else. */

const repository = join(import.meta.dirname, "../..");
const version = parseVersion(own);
let world: World;
let built: Built;

beforeAll(async () => {
  world = await startWorld();
  commitVersion(world, own);
  rmSync(join(world.source, "dist"), { recursive: true });
  cpSync(join(repository, "dist"), join(world.source, "dist"), { recursive: true });
  git(world.source, "add", "--all");
  git(world.source, "commit", "--quiet", "--message", "The real bundle");
  built = build(world, own);
}, 120_000);
afterAll(() => world.stop());

describe("the files of a release", () => {
  test("are four archives of two commits, whose actions lead to each other", () => {
    const scratch = join(world.scratch, "download");
    const sums = checkDownload({ files: built.files, version, commits: built.commits, repository: world.source, scratch });
    expect([...sums.keys()]).toEqual([...archivesOf(version).map(({ file }) => file), `env-actions-${own}.spdx.json`]);
  });

  test("start, and say the version of the release", () => {
    startProgram(built.files, version, mkdtempSync(join(world.scratch, "start-")));
  });

  test("pass a preflight under act, from the portable zip", async (context) => {
    const act = findAct();
    if ("missing" in act) return context.skip(act.missing);
    await runPortable(act.path, built.files, version, built.commits, mkdtempSync(join(world.scratch, "act-")));
  }, 200_000);

  test.each(archivesOf(version))("$file can't be replaced", (archive) => {
    const other = mkdtempSync(join(world.scratch, "other-"));
    cpSync(built.files, other, { recursive: true });
    writeFileSync(join(other, archive.file), "x");
    const download = { files: other, version, commits: built.commits, repository: world.source, scratch: join(other, "x") };
    expect(() => checkDownload(download)).toThrow(`${archive.file}: expected SHA-256`);
  });

  test("are refused if an archive holds another tree, with checksums that fit", () => {
    const commits = { main: built.commits.portable, portable: built.commits.portable };
    const scratch = join(world.scratch, "swapped");
    expect(() => checkDownload({ files: built.files, version, commits, repository: world.source, scratch })).toThrow(
      `env-actions-${own}.tar.gz: expected the tree`,
    );
  });
});

describe("an unpacked tree", () => {
  function mistakes(edit: (tree: string) => void, portableSha?: string): string {
    const tree = mkdtempSync(join(tmpdir(), "env-actions-tree-"));
    try {
      const source = sourceWithBundle(join(tree, "source"), "node:fs");
      layOut({ from: source, out: join(tree, "out"), version: own, portableSha });
      edit(join(tree, "out"));
      checkTree(join(tree, "out"), version, portableSha);
      return "none";
    } catch (error) {
      return String(error);
    } finally {
      rmSync(tree, { recursive: true });
    }
  }
  const edited = (tree: string, path: string, from: string | RegExp, to: string) =>
    writeFileSync(join(tree, path), readFileSync(join(tree, path), "utf8").replace(from, to));
  const sha = "0123456789abcdef0123456789abcdef01234567";

  test.each([undefined, sha])("without a mistake is accepted (core at %s)", (portableSha) => {
    expect(mistakes(() => {}, portableSha)).toBe("none");
  });

  test.each<[what: string, edit: (tree: string) => void, message: string, portableSha?: string]>([
    [
      "without the program",
      (tree) => rmSync(join(tree, "dist", "index.js")),
      "actions/core/action.yml: starts ../../dist/index.js",
    ],
    [
      "whose post step is missing",
      (tree) => edited(tree, "actions/core/action.yml", /post: .*/, "post: ../../dist/post.js"),
      "starts ../../dist/post.js, which does not exist",
    ],
    [
      "that starts a file outside",
      (tree) => {
        mkdirSync(join(tree, "..", "dist"), { recursive: true });
        writeFileSync(join(tree, "..", "dist", "index.js"), "");
        edited(tree, "actions/core/action.yml", /main: .*/, "main: ../../../dist/index.js");
      },
      "starts ../../../dist/index.js, which does not exist",
    ],
    ["without an action at its root", (tree) => rmSync(join(tree, "smoke"), { recursive: true }), "smoke/action.yml is missing"],
    [
      "without the core",
      (tree) => rmSync(join(tree, "actions", "core"), { recursive: true }),
      "uses $/actions/core, which leads to no",
    ],
    [
      "that names a foreign action",
      (tree) => edited(tree, "e2e/action.yml", "$/actions/core", "a/b@v1"),
      "e2e/action.yml: uses a/b@v1",
    ],
    [
      "whose portable form still has `$/`",
      (tree) => edited(tree, "e2e/action.yml", /uses: .*/, "uses: $/actions/core"),
      "e2e/action.yml: uses $/actions/core",
      sha,
    ],
    [
      "whose portable form names another commit",
      (tree) => edited(tree, "e2e/action.yml", sha, "f".repeat(40)),
      `@${"f".repeat(40)}, which leads to no action`,
      sha,
    ],
    ["with another version", (tree) => edited(tree, "package.json", `"${own}"`, '"0.0.1"'), `expected version ${own}, got 0.0.1`],
  ])("%s is refused", (_, edit, message, portableSha) => {
    expect(mistakes(edit, portableSha)).toContain(message);
  });
});

test("the SBOM has what is in dist, in the versions of the page about it", (context) => {
  if (!existsSync(join(repository, "dist"))) return context.skip("dist is not built");
  const sources = { repository, version, commit: "a".repeat(40), time: 1_800_000_000, notes: "" };
  const sbom = makeSbom(sources, repository);
  expect(makeSbom(sources, repository)).toBe(sbom);
  const { packages, relationships, creationInfo, ...document } = JSON.parse(sbom) as {
    packages: { name: string; versionInfo: string; checksums?: object[] }[];
    relationships: object[];
    creationInfo: object;
  };
  expect(document).toMatchObject({ spdxVersion: "SPDX-2.3", documentNamespace: expect.stringContaining(`${own}-aaaa`) });
  expect(creationInfo).toMatchObject({ created: "2027-01-15T08:00:00Z" });
  const page = readFileSync(join(repository, "docs", "bundle.md"), "utf8");
  const listed = [...page.matchAll(/^\| `([^`]+)` \| ([\d., ]+) \| [\w.-]+ \|$/gm)].flatMap(([, name, versions = ""]) =>
    versions.split(", ").map((one) => `${name} ${one}`),
  );
  const [root, ...bundled] = packages.map(({ name, versionInfo }) => `${name} ${versionInfo}`);
  expect(root).toBe(`@classwaves/env-actions ${own}`);
  expect(bundled.sort()).toEqual(listed.sort());
  expect(relationships).toHaveLength(packages.length);
  expect(packages.slice(1).filter(({ checksums }) => !checksums)).toEqual([]);
});

describe("set-version", () => {
  test("gives a version to what is unreleased, which can then be released", () => {
    const text = withHeading(
      "# Changelog\n\n## Unreleased\n\n### Added\n\n- X\n\n## 1.2.2 (2026-11-01)\n\n- Y\n",
      parseVersion("1.2.3"),
      "2026-11-30",
    );
    expect(text).toContain("## Unreleased\n\n## 1.2.3 (2026-11-30)\n\n### Added\n\n- X\n");
    expect(notesOf(text, parseVersion("1.2.3"))).toBe("### Added\n\n- X");
  });

  test.each(["# Changelog\n", "# Changelog\n\n## Unreleased\n\n## 1.2.2\n\n- Y\n"])(
    "refuses %j, which has no entries",
    (text) => {
      expect(() => withHeading(text, parseVersion("1.2.3"), "2026-11-30")).toThrow('no entries under "## Unreleased"');
    },
  );

  test("changes package.json and the lock file, and nothing else in them", () => {
    const next = parseVersion("9.8.7");
    for (const [path, places] of [
      ["package.json", 1],
      ["package-lock.json", 2],
    ] as const) {
      const before = readFileSync(join(repository, path), "utf8");
      const after = withVersion(before, next, places);
      const changed = after.split("\n").filter((line, index) => line !== before.split("\n")[index]);
      expect(changed.map((line) => line.trim())).toEqual(Array.from({ length: places }, () => '"version": "9.8.7",'));
      expect(JSON.parse(after)).toMatchObject({ version: "9.8.7" });
    }
    const lock = JSON.parse(withVersion(readFileSync(join(repository, "package-lock.json"), "utf8"), next, 2));
    expect(lock.packages[""].version).toBe("9.8.7");
  });
});

test.each(["1.2", "v1.2.3", "0.1.0", "1.2.3-beta", "1.02.3", ""])("%j is refused as a version", (text) => {
  expect(() => parseVersion(text)).toThrow("not a version");
});
