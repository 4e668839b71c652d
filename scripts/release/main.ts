import { cpSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { findAct } from "../act.ts";
import { writeAssets } from "./assets.ts";
import { type Commits, makeCommits } from "./commits.ts";
import { startProgram } from "./consumer.ts";
import { releasesAt } from "./github.ts";
import { makeFolder, type Place } from "./place.ts";
import { runPortable } from "./portable-run.ts";
import { checkFiles, publish } from "./publish.ts";
import { discard, fetchReleased, rollBack } from "./rollback.ts";
import { makeSbom } from "./sbom.ts";
import { verifySignature } from "./signature.ts";
import { readSources } from "./sources.ts";
import { parseVersion, type Version } from "./version.ts";

/**
 * What the jobs of .github/workflows/release.yml do: `node scripts/release/main.ts COMMAND --version 1.2.3 [--files DIR]`.
 *
 *   check      the sources are ready to be released as this version
 *   build      writes the release's files to DIR, all but the provenance
 *   fetch      writes the files of a published version to DIR
 *   verify     DIR is what a consumer can use; with --published: it is the published version
 *   publish    publishes DIR, and moves v1 last
 *   rollback   moves v1 to a published version, whose files are in DIR
 *   discard    deletes what an attempt has left that was not published
 */
const commands: Record<string, (world: World) => Promise<void> | void> = {
  check: ({ sources }) => {
    sources();
  },
  build: ({ place, sources, files }) => {
    const from = sources();
    const folder = makeFolder(place, "build");
    const commits = makeCommits(from, folder);
    writeAssets(from, commits, makeSbom(from, join(folder, "sources")), files());
    console.log(`commits: ${commits.main}, ${commits.portable}`);
  },
  fetch: async ({ place, version, files }) => {
    cpSync((await fetchReleased(place, version)).files, files(), { recursive: true });
  },
  verify: async (world) => {
    const { place, version, files } = world;
    const commits = await commitsOf(world);
    startProgram(files(), version, place.scratch);
    const act = findAct();
    if ("missing" in act) throw new Error(act.missing);
    await runPortable(act.path, files(), version, commits, makeFolder(place, "portable"));
    console.log(`${version.text} can be used: every file, and the portable form under act`);
  },
  publish: async ({ place, sources, files }) => {
    const from = sources();
    await publish(place, from, makeCommits(from, makeFolder(place, "commits")), files());
  },
  rollback: ({ place, version, files }) => rollBack(place, version, files()),
  discard: ({ place, version }) => discard(place, version),
};

interface World {
  place: Place;
  version: Version;
  /** Whether the version is published already. */
  isPublished: boolean;
  /** @throws Error if they are not ready */
  sources: () => ReturnType<typeof readSources>;
  /** @throws Error if the option is missing */
  files: () => string;
}

/** Checks the files, and says which commits they hold. */
async function commitsOf({ place, version, isPublished, sources, files }: World): Promise<Commits> {
  if (isPublished) return (await fetchReleased(place, version, files())).commits;
  const from = sources();
  const commits = makeCommits(from, makeFolder(place, "commits"));
  checkFiles(place, from, commits, files(), "built");
  return commits;
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      version: { type: "string" },
      files: { type: "string" },
      remote: { type: "string", default: "origin" },
      published: { type: "boolean", default: false },
    },
  });
  const command = commands[positionals[0] ?? ""];
  if (!command || !values.version)
    throw new Error(`usage: node scripts/release/main.ts ${Object.keys(commands).join("|")} --version 1.2.3 [--files DIR]`);
  const version = parseVersion(values.version);
  const repository = join(import.meta.dirname, "..", "..");
  const name = process.env.GITHUB_REPOSITORY ?? "classwaves/env-actions";
  const scratch = mkdtempSync(join(tmpdir(), "env-actions-release-"));
  const url = process.env.GITHUB_API_URL ?? "https://api.github.com";
  try {
    await command({
      place: {
        repository,
        remote: values.remote,
        releases: releasesAt({ url, repository: name, token: process.env.GH_TOKEN ?? "" }),
        address: `${process.env.GITHUB_SERVER_URL ?? "https://github.com"}/${name}`,
        verifySignature: (folder) => verifySignature(name, folder, version),
        scratch,
        log: console.log,
      },
      version,
      isPublished: values.published,
      sources: () => readSources(repository, version),
      files: () => {
        if (!values.files) throw new Error(`${positionals[0]} needs --files DIR`);
        mkdirSync(values.files, { recursive: true });
        return values.files;
      },
    });
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

if (import.meta.main) {
  main().catch((error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  });
}
