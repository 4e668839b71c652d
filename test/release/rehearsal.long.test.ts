import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { assetNames } from "../../scripts/release/assets.ts";
import { parseVersion } from "../../scripts/release/version.ts";
import { actionNames } from "../../src/action/interface.ts";
import { git } from "../actions/workspace.ts";
import { build, commitVersion, giveUp, refsOf, release, releasesOf, rollback, startWorld, type World } from "./world.ts";

/** Whole releases into a bare repository, with the stand-in for GitHub's releases. */

let world: World;

beforeEach(async () => {
  world = await startWorld();
});
afterEach(async () => {
  expect(world.github.violations).toEqual([]);
  await world.stop();
});

async function releaseNew(version: string): Promise<boolean> {
  commitVersion(world, version);
  return await release(world, version);
}

const versionAt = (ref: string) => git(world.remote, "log", "-1", "--format=%s", ref);

describe("a release", () => {
  test("puts the tree on the tag of its version, and v1 on the same commit", async () => {
    expect(await releaseNew("1.2.3")).toBe(true);
    expect(git(world.remote, "rev-parse", "refs/tags/v1")).toBe(git(world.remote, "rev-parse", "refs/tags/v1.2.3"));
    const tree = git(world.remote, "ls-tree", "--name-only", "v1").split("\n");
    expect(tree).toEqual(expect.arrayContaining(["action.yml", "actions", "dist", ...actionNames]));
    expect(tree).not.toContain("src");
    expect(JSON.parse(git(world.remote, "show", "v1:package.json"))).toMatchObject({ version: "1.2.3" });
    expect(git(world.remote, "log", "-1", "--format=%b", "v1")).toBe(`From ${git(world.source, "rev-parse", "HEAD")}`);
  });

  test("has a portable form whose composites name the commit of the first", async () => {
    await releaseNew("1.2.3");
    const core = git(world.remote, "rev-parse", "refs/tags/v1.2.3");
    expect(git(world.remote, "show", "v1.2.3-portable:integration/action.yml")).toContain(
      `classwaves/env-actions/actions/core@${core}`,
    );
    expect(git(world.remote, "show", "v1-portable:actions/core/action.yml")).toContain("main: ../../dist/index.js");
    expect(git(world.remote, "rev-parse", "v1-portable")).toBe(git(world.remote, "rev-parse", "v1.2.3-portable"));
  });

  test("is published with all its files and the entries of the changelog, and shown as the latest one", async () => {
    await releaseNew("1.2.3");
    const [published, ...others] = releasesOf(world);
    expect(others).toEqual([]);
    expect(published).toMatchObject({ tag: "v1.2.3", draft: false, latest: true, body: "- What 1.2.3 changes" });
    expect(published?.assets.map(({ name }) => name)).toEqual(assetNames(parseVersion("1.2.3")));
  });

  test("makes the same commits and archives from the same sources, at any time and in any clone", async () => {
    commitVersion(world, "1.2.3");
    const first = build(world, "1.2.3");
    const clone = join(world.scratch, "clone");
    git(world.scratch, "clone", "--quiet", world.remote, clone, "--branch", "main");
    const second = build({ ...world, source: clone }, "1.2.3");
    for (const name of assetNames(parseVersion("1.2.3")).filter((one) => !one.endsWith(".intoto.jsonl")))
      expect(readFileSync(join(second.files, name)).equals(readFileSync(join(first.files, name))), name).toBe(true);
  });

  test("moves v1 forward, from one release to the next, and no tag of a version", async () => {
    await releaseNew("1.2.3");
    const before = refsOf(world);
    expect(await releaseNew("1.10.0")).toBe(true);
    expect(versionAt("refs/tags/v1")).toBe("env-actions 1.10.0");
    expect(versionAt("refs/tags/v1-portable")).toBe("env-actions 1.10.0-portable");
    expect(refsOf(world)).toMatchObject({ "refs/tags/v1.2.3": before["refs/tags/v1.2.3"] });
  });

  test("of a version lower than the newest is published, and leaves v1 where it is", async () => {
    await releaseNew("1.3.0");
    const { "refs/tags/v1": v1 } = refsOf(world);
    expect(await releaseNew("1.2.9")).toBe(false);
    expect(refsOf(world)).toMatchObject({ "refs/tags/v1": v1, "refs/tags/v1.2.9": expect.any(String) });
    expect(releasesOf(world).map(({ tag, latest }) => ({ tag, latest }))).toEqual([
      { tag: "v1.3.0", latest: true },
      { tag: "v1.2.9", latest: false },
    ]);
    expect(world.log.at(-1)).toBe("v1 stays where it is: a newer version is published");
  });

  test("of another major version leaves v1 alone", async () => {
    await releaseNew("1.3.0");
    const { "refs/tags/v1": v1 } = refsOf(world);
    expect(await releaseNew("2.0.0")).toBe(true);
    expect(refsOf(world)["refs/tags/v1"]).toBe(v1);
    expect(versionAt("refs/tags/v2")).toBe("env-actions 2.0.0");
  });

  test("that is complete changes nothing when it is repeated", async () => {
    await releaseNew("1.2.3");
    const before = refsOf(world);
    const writes = () => world.github.requests.filter(({ method }) => method !== "GET").length;
    const sent = writes();
    expect(await release(world, "1.2.3")).toBe(true);
    expect(refsOf(world)).toEqual(before);
    expect(writes()).toBe(sent);
  });

  test("of a published version from other sources is refused, and nothing moves", async () => {
    await releaseNew("1.2.3");
    const before = refsOf(world);
    writeFileSync(join(world.source, "README.md"), "changed");
    git(world.source, "commit", "--quiet", "--all", "--message", "Another state");
    await expect(release(world, "1.2.3")).rejects.toThrow("a published version never changes. Release a higher version");
    expect(refsOf(world)).toEqual(before);
  });

  test("leaves the clone unchanged", async () => {
    await releaseNew("1.2.3");
    expect(git(world.source, "status", "--porcelain")).toBe("");
  });

  test("is refused while a branch v1 exists", async () => {
    git(world.remote, "update-ref", "refs/heads/v1", git(world.source, "rev-parse", "HEAD"));
    git(world.remote, "update-ref", "refs/heads/v1", "main");
    await expect(releaseNew("1.2.3")).rejects.toThrow("the remote has a branch v1");
    expect(releasesOf(world)).toEqual([]);
  });
});

describe("sources that are not ready", () => {
  const refused = async (message: string | RegExp) => {
    const before = refsOf(world);
    await expect((async () => await release(world, "1.2.3"))()).rejects.toThrow(message);
    expect(refsOf(world)).toEqual(before);
    expect(world.github.requests).toEqual([]);
  };
  const commitFile = (path: string, text: string) => {
    writeFileSync(join(world.source, path), text);
    git(world.source, "commit", "--quiet", "--all", "--message", "Another state");
  };

  beforeEach(() => commitVersion(world, "1.2.3"));

  test("a changelog without a heading for the version", async () => {
    commitFile("CHANGELOG.md", "# Changelog\n\n## Unreleased\n\n- Something\n");
    await refused('expected "## 1.2.3" as its newest version, got no version');
  });

  test("a changelog whose newest heading is another version", async () => {
    commitFile("CHANGELOG.md", "# Changelog\n\n## 1.2.2\n\n- Something\n\n## 1.2.3\n\n- Something\n");
    await refused('expected "## 1.2.3" as its newest version, got "## 1.2.2"');
  });

  test("a heading without entries", async () => {
    commitFile("CHANGELOG.md", "# Changelog\n\n## 1.2.3\n\n## 1.2.2\n\n- Something\n");
    await refused('"## 1.2.3" has no entries');
  });

  test("entries that have no version yet", async () => {
    commitFile("CHANGELOG.md", "# Changelog\n\n## Unreleased\n\n- Left behind\n\n## 1.2.3\n\n- Something\n");
    await refused('"## Unreleased" still has entries');
  });

  test("a changed file in dist", async () => {
    writeFileSync(join(world.source, "dist", "index.js"), "console.log('1.2.3'); // changed");
    await refused(/only committed files are released.*dist\/index\.js/s);
  });

  test("a file in dist that nobody has committed", async () => {
    writeFileSync(join(world.source, "dist", "left.js"), "");
    await refused(/only committed files are released.*dist\/left\.js/s);
  });

  test.each(["package.json", "package-lock.json"])("%s with another version", async (path) => {
    const manifest = JSON.parse(readFileSync(join(world.source, path), "utf8")) as object;
    commitFile(path, JSON.stringify({ ...manifest, version: "1.2.2" }));
    await refused(`${path}: expected version 1.2.3, got 1.2.2`);
  });

  test("a program that was built with another version", async () => {
    commitFile("src/lib/version.ts", 'export const version = "1.2.2";\n');
    await refused("src/lib/version.ts: expected version 1.2.3, got 1.2.2");
  });
});

describe("a rollback", () => {
  test("moves v1 back in one dispatch, and marks the newer versions", async () => {
    await releaseNew("1.2.3");
    await releaseNew("1.3.0");
    await rollback(world, "1.2.3");
    expect(versionAt("refs/tags/v1")).toBe("env-actions 1.2.3");
    expect(versionAt("refs/tags/v1-portable")).toBe("env-actions 1.2.3-portable");
    expect(versionAt("refs/tags/v1.3.0")).toBe("env-actions 1.3.0");
    expect(refsOf(world)).toHaveProperty(["refs/withdrawn/v1.3.0"]);
  });

  test("is not undone by a repeated release of the withdrawn version", async () => {
    await releaseNew("1.2.3");
    await releaseNew("1.3.0");
    await rollback(world, "1.2.3");
    await expect(release(world, "1.3.0")).rejects.toThrow("1.3.0 was rolled back. Release a higher version");
    expect(versionAt("refs/tags/v1")).toBe("env-actions 1.2.3");
  });

  test("can be followed by a fix of the older version, and by a newer one", async () => {
    await releaseNew("1.2.3");
    await releaseNew("1.3.0");
    await rollback(world, "1.2.3");
    expect(await releaseNew("1.2.4")).toBe(true);
    expect(versionAt("refs/tags/v1")).toBe("env-actions 1.2.4");
    expect(await releaseNew("1.3.1")).toBe(true);
    expect(versionAt("refs/tags/v1")).toBe("env-actions 1.3.1");
  });

  test("goes forward again, and takes the mark away", async () => {
    await releaseNew("1.2.3");
    await releaseNew("1.3.0");
    await rollback(world, "1.2.3");
    await rollback(world, "1.3.0");
    expect(versionAt("refs/tags/v1")).toBe("env-actions 1.3.0");
    expect(refsOf(world)).not.toHaveProperty(["refs/withdrawn/v1.3.0"]);
    expect(await release(world, "1.3.0")).toBe(true);
  });

  test("to a version that was never published is refused", async () => {
    await releaseNew("1.2.3");
    const before = refsOf(world);
    await expect(rollback(world, "1.2.2")).rejects.toThrow("1.2.2 is not published. Published: 1.2.3");
    expect(refsOf(world)).toEqual(before);
  });

  test.each([
    ["a file of it was replaced", (world: World) => releasesOf(world)[0]?.assets[0], "expected SHA-256"],
    ["its provenance was replaced", (world: World) => releasesOf(world)[0]?.assets.at(-1), "expected a Sigstore bundle"],
  ])("is refused if %s", async (_, assetOf, message) => {
    await releaseNew("1.2.3");
    await releaseNew("1.3.0");
    const before = refsOf(world);
    const asset = assetOf(world);
    if (asset) asset.content = Buffer.from("x");
    await expect(rollback(world, "1.2.3")).rejects.toThrow(message);
    expect(refsOf(world)).toEqual(before);
  });

  test("is refused if the tag of the version names another commit than its files", async () => {
    await releaseNew("1.2.3");
    await releaseNew("1.3.0");
    git(world.remote, "update-ref", "refs/tags/v1.2.3", "refs/tags/v1.3.0");
    const before = refsOf(world);
    await expect(rollback(world, "1.2.3")).rejects.toThrow("expected the tree");
    expect(refsOf(world)).toEqual(before);
  });
});

describe("discard", () => {
  test("deletes what an attempt has left", async () => {
    commitVersion(world, "1.2.3");
    world.github.faults.refuse.push({ times: 1, operation: "repos/update-release", answer: { status: 502, body: "" } });
    await expect(release(world, "1.2.3")).rejects.toThrow("GitHub answered 502");
    expect(releasesOf(world)).toHaveLength(1);
    await giveUp(world, "1.2.3");
    expect(releasesOf(world)).toEqual([]);
    expect(Object.keys(refsOf(world))).toEqual(["refs/heads/main"]);
  });

  test("never deletes a published version", async () => {
    await releaseNew("1.2.3");
    const before = refsOf(world);
    await expect(giveUp(world, "1.2.3")).rejects.toThrow("a published version never changes");
    expect(refsOf(world)).toEqual(before);
    expect(releasesOf(world)).toHaveLength(1);
  });
});

test("an attempt from other sources is continued only after it was discarded", async () => {
  commitVersion(world, "1.2.3");
  world.github.faults.refuse.push({ times: 1, operation: "repos/update-release", answer: { status: 502, body: "" } });
  await expect(release(world, "1.2.3")).rejects.toThrow("There may be a tag v1.2.3 without a published release");
  rmSync(join(world.source, "dist", "licenses.txt"));
  git(world.source, "commit", "--quiet", "--all", "--message", "A mend");
  await expect(release(world, "1.2.3")).rejects.toThrow("is from an attempt with other sources");
  await giveUp(world, "1.2.3");
  expect(await release(world, "1.2.3")).toBe(true);
});

test("an attempt that is continued replaces files that are cut or foreign, and keeps one draft", async () => {
  commitVersion(world, "1.2.3");
  world.github.faults.refuse.push({ times: 1, operation: "repos/update-release", answer: { status: 502, body: "" } });
  await expect(release(world, "1.2.3")).rejects.toThrow("GitHub answered 502");
  const [draft] = releasesOf(world);
  const [first, second] = draft?.assets ?? [];
  if (!draft || !first || !second) throw new Error("the attempt left no draft with files");
  Object.assign(second, { state: "open", content: Buffer.alloc(0) });
  draft.assets.push({ ...first, id: 9001, name: "foreign.exe" });
  releasesOf(world).push({ ...draft, id: 9002, assets: [] });
  expect(await release(world, "1.2.3")).toBe(true);
  expect(releasesOf(world)).toHaveLength(1);
  const names = releasesOf(world)[0]?.assets.map(({ name }) => name);
  expect(names?.sort()).toEqual(assetNames(parseVersion("1.2.3")).sort());
});

test("a file that GitHub stores otherwise than it was sent is noticed before anything is published", async () => {
  commitVersion(world, "1.2.3");
  let sent = 0;
  world.onRequest = ({ method }) => {
    if (method === "POST") sent++;
    const [asset] = releasesOf(world).at(-1)?.assets ?? [];
    if (method === "GET" && sent > 1 && asset) asset.content = Buffer.from("x");
  };
  await expect(release(world, "1.2.3")).rejects.toThrow("what GitHub has differs from what was verified before");
  expect(Object.keys(refsOf(world))).toEqual(["refs/heads/main"]);
  expect(releasesOf(world).map(({ draft }) => draft)).toEqual([true]);
});
