import { generateKeyPairSync, sign } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type GitHubOptions, type LocalGitHub, type Release, startGitHub } from "../../local/github/index.ts";
import { digestOf, provenanceOf, writeAssets } from "../../scripts/release/assets.ts";
import { makeCommits } from "../../scripts/release/commits.ts";
import { makeFolder, type Place } from "../../scripts/release/place.ts";
import { publish } from "../../scripts/release/publish.ts";
import { discard, fetchReleased, rollBack } from "../../scripts/release/rollback.ts";
import { readSources, type Sources } from "../../scripts/release/sources.ts";
import { parseVersion } from "../../scripts/release/version.ts";
import { sourceWithBundle } from "../actions/published.ts";
import { git, makeRepository } from "../actions/workspace.ts";
import { address, type Built, type Bundle, placeOf, type Rehearsal, repositoryName } from "./place.ts";
import { statementOf } from "./statement.ts";

/** A repository that releases itself into a bare one, and the releases of a GitHub beside it. */

export interface World {
  /** A clone of the repository, with dist built. */
  source: string;
  /** The bare repository. */
  remote: string;
  github: LocalGitHub;
  scratch: string;
  /** What was logged, the newest attempt last. */
  log: string[];
  /** Called before GitHub executes a request. */
  onRequest: GitHubOptions["onRequest"];
  stop: () => Promise<void>;
}

export async function startWorld(): Promise<World> {
  const scratch = mkdtempSync(join(tmpdir(), "env-actions-release-test-"));
  const source = sourceWithBundle(join(scratch, "source"), "node:fs");
  mkdirSync(join(source, "src", "lib"), { recursive: true });
  const remote = join(scratch, "remote.git");
  mkdirSync(remote);
  git(remote, "init", "--quiet", "--bare");
  makeRepository(source, { "dist/licenses.txt": "" });
  git(source, "remote", "set-url", "origin", remote);
  git(source, "push", "--quiet", "origin", "main");
  const github = await startGitHub({
    repositories: { [repositoryName]: { git: remote } },
    tokens: { token: { permissions: { contents: "write" } }, reader: { permissions: { contents: "read" } } },
    onRequest: (request) => world.onRequest?.(request),
  });
  const stop = async () => {
    await github.stop();
    rmSync(scratch, { recursive: true, force: true });
  };
  const world: World = { source, remote, github, scratch, log: [], onRequest: undefined, stop };
  return world;
}

/** Commits what `scripts/release/set-version.ts` writes, and a program that knows its version. */
export function commitVersion({ source }: World, version: string): void {
  const write = (path: string, text: string) => writeFileSync(join(source, path), text);
  const manifest = JSON.parse(readFileSync(join(source, "package.json"), "utf8")) as object;
  write("package.json", JSON.stringify({ ...manifest, version }));
  write("package-lock.json", JSON.stringify({ version }));
  write("src/lib/version.ts", `export const version = "${version}";\n`);
  write("dist/index.js", `console.log(${JSON.stringify(version)});\n`);
  write("CHANGELOG.md", `# Changelog\n\n## Unreleased\n\n## ${version} (2026-11-30)\n\n- What ${version} changes\n`);
  git(source, "add", "--all");
  git(source, "commit", "--quiet", "--message", `Version ${version}`);
  git(source, "push", "--quiet", "origin", "main");
}

const key = generateKeyPairSync("ec", { namedCurve: "P-256" });
let folders = 0;

/** An attempt of its own, with its own folder. */
export function rehearsalIn({ source, github, scratch }: World, token = "token"): Rehearsal {
  const own = join(scratch, `attempt-${++folders}`);
  mkdirSync(own);
  const publicKey = key.publicKey.export({ type: "spki", format: "pem" }).toString();
  return { source, url: github.url, token, scratch: own, publicKey };
}

export function placeIn(world: World, token?: string): Place {
  return placeOf(rehearsalIn(world, token), (line) => world.log.push(line));
}

/** What the job `build` makes: the files of the release, with their provenance. */
export function build(world: World, version: string): Built {
  const place = placeIn(world);
  const sources = readSources(world.source, parseVersion(version));
  const commits = makeCommits(sources, makeFolder(place, "build"));
  const files = join(place.scratch, "files");
  writeAssets(sources, commits, '{"spdxVersion":"SPDX-2.3"}\n', files);
  const payload = Buffer.from(JSON.stringify(statementFor(files, sources)));
  const sig = sign("sha256", payload, key.privateKey).toString("base64");
  const bundle: Bundle = { dsseEnvelope: { payload: payload.toString("base64"), signatures: [{ sig }] } };
  writeFileSync(join(files, provenanceOf(sources.version)), `${JSON.stringify(bundle)}\n`);
  return { sources, commits, files };
}

export function statementFor(files: string, { commit }: Sources): object {
  return statementOf({ subjects: digestsIn(files), address, commit });
}

/** Of every file but the provenance, which may be there from before. */
export function digestsIn(files: string): { name: string; digest: { sha256: string } }[] {
  const names = readdirSync(files).filter((name) => !name.endsWith(".intoto.jsonl"));
  return names.map((name) => ({ name, digest: { sha256: digestOf(join(files, name)) } }));
}

/** One dispatch of the workflow with the action `release`. */
export async function release(world: World, version: string): Promise<boolean> {
  const { sources, commits, files } = build(world, version);
  return await publish(placeIn(world), sources, commits, files);
}

/** One dispatch with the action `rollback`. */
export async function rollback(world: World, version: string): Promise<void> {
  const { files } = await fetchReleased(placeIn(world, "reader"), parseVersion(version));
  await rollBack(placeIn(world), parseVersion(version), files);
}

export async function giveUp(world: World, version: string): Promise<void> {
  await discard(placeIn(world), parseVersion(version));
}

/** Every reference of the remote. */
export function refsOf({ remote }: World): Record<string, string> {
  const lines = git(remote, "for-each-ref", "--format=%(refname) %(objectname)").split("\n").filter(Boolean);
  return Object.fromEntries(lines.map((line) => line.split(" ") as [string, string]));
}

export function releasesOf({ github }: World): Release[] {
  return github.repositories.get(repositoryName)?.releases ?? [];
}
