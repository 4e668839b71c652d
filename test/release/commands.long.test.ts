import { execFile } from "node:child_process";
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { findAct } from "../../scripts/act.ts";
import { assetNames, provenanceOf } from "../../scripts/release/assets.ts";
import { parseVersion } from "../../scripts/release/version.ts";
import { version as own } from "../../src/lib/version.ts";
import { git } from "../actions/workspace.ts";
import { address } from "./place.ts";
import { statementOf } from "./statement.ts";
import { digestsIn, refsOf, releasesOf, startWorld, type World } from "./world.ts";

/**
 * The commands of the workflow, in its order, each a process of its own, from a clone where nothing is installed; the tree, its
 * bundle and its packages are this repository's. GitHub's command line is one that accepts every signature.
 */

const repository = join(import.meta.dirname, "../..");
const version = parseVersion(own);
const act = findAct();
let world: World;

beforeAll(async () => {
  world = await startWorld();
  const { source, scratch } = world;
  rmSync(join(source, "dist"), { recursive: true });
  for (const path of [
    ...["dist", "src", "scripts", "package-lock.json", "examples/classroom/package.json"],
    ...["test/actions/act.ts", "test/harness/free-port.ts"],
  ])
    cpSync(join(repository, path), join(source, path), { recursive: true });
  writeFileSync(join(source, "CHANGELOG.md"), `# Changelog\n\n## Unreleased\n\n## ${own} (2026-11-30)\n\n- The first version\n`);
  git(source, "add", "--all", "--force");
  git(source, "commit", "--quiet", "--message", "Everything that a release takes");
  git(source, "push", "--quiet", "origin", "main");
  mkdirSync(join(scratch, "bin"));
  writeFileSync(join(scratch, "bin", "gh"), `#!/bin/sh\necho "$@" >> ${join(scratch, "gh.log")}\n`, { mode: 0o755 });
}, 120_000);
afterAll(() => world.stop());

const filesIn = (name: string) => join(world.scratch, name);

async function run(command: string, files?: string, ...more: string[]): Promise<string> {
  const { source, scratch, github } = world;
  const args = [join(source, "scripts", "release", "main.ts"), command, "--version", own];
  const { stdout } = await promisify(execFile)(process.execPath, [...args, ...(files ? ["--files", files] : []), ...more], {
    cwd: source,
    env: {
      PATH: [join(scratch, "bin"), join(process.execPath, ".."), process.env.PATH].join(delimiter),
      HOME: scratch,
      GITHUB_API_URL: github.url,
      GITHUB_REPOSITORY: "classwaves/env-actions",
      GITHUB_SERVER_URL: "https://github.com",
      GH_TOKEN: "token",
      ...("path" in act && { ACT: act.path }),
    },
  });
  return stdout;
}

test("release, and roll back to it, from the first command to the last", async () => {
  const built = filesIn("built");
  await run("check");
  const [, commits = ""] = (await run("build", built)).split("commits: ");
  const commit = git(world.source, "rev-parse", "HEAD");
  const payload = Buffer.from(JSON.stringify(statementOf({ subjects: digestsIn(built), address, commit }))).toString("base64");
  writeFileSync(join(built, provenanceOf(version)), JSON.stringify({ dsseEnvelope: { payload } }));
  if ("path" in act) expect(await run("verify", built)).toContain(`${own} can be used`);
  expect(refsOf(world)).toEqual({ "refs/heads/main": commit });

  expect(await run("publish", built)).toContain(`v1 is ${own} now`);
  const { "refs/tags/v1": main, "refs/tags/v1-portable": portable } = refsOf(world);
  expect(commits.trim()).toBe(`${main}, ${portable}`);
  expect(releasesOf(world)).toMatchObject([{ tag: `v${own}`, draft: false }]);

  const fetched = filesIn("fetched");
  await run("fetch", fetched);
  expect(readdirSync(fetched).sort()).toEqual(assetNames(version).sort());
  if ("path" in act) expect(await run("verify", fetched, "--published")).toContain(`${own} can be used`);
  expect(await run("rollback", fetched)).toContain(`v1 is ${own} now`);
  await expect(run("discard")).rejects.toThrow("a published version never changes");
  expect(world.github.violations).toEqual([]);

  // act asks it for a token, too.
  const asked = readFileSync(join(world.scratch, "gh.log"), "utf8").trim().split("\n");
  const verified = asked.filter((line) => !line.startsWith("auth token"));
  expect(verified.length).toBeGreaterThanOrEqual(4);
  for (const line of verified)
    expect(line).toMatch(
      /^attestation verify \S+\/SHA256SUMS --bundle \S+\.intoto\.jsonl --repo classwaves\/env-actions --signer-workflow classwaves\/env-actions\/\.github\/workflows\/release\.yml --source-ref refs\/heads\/main --predicate-type https:\/\/slsa\.dev\/provenance\/v1 --deny-self-hosted-runners$/,
    );
}, 300_000);

test("a command that is unknown, or has no version, says what there is", async () => {
  await expect(run("releese")).rejects.toThrow("check|build|fetch|verify|publish|rollback|discard --version 1.2.3");
  await expect(run("publish")).rejects.toThrow("publish needs --files DIR");
});
