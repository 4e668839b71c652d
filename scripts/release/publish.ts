import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { assetNames, digestOf } from "./assets.ts";
import type { Commits } from "./commits.ts";
import { checkDownload } from "./consumer.ts";
import { pushAtomically } from "./git.ts";
import type { Published } from "./github.ts";
import {
  clone,
  draftsIn,
  folderIn,
  isNewest,
  makeFolder,
  movingTags,
  type Place,
  publishedIn,
  readState,
  refuseBranches,
  type State,
  tagOf,
  tagRef,
  withdrawnRef,
} from "./place.ts";
import { checkProvenance } from "./provenance.ts";
import type { Sources } from "./sources.ts";
import { portable, type Version } from "./version.ts";

/**
 * Publishes a release: draft, attach, verify, tag, publish, move `v1`. Each step looks at what is there already, so a second
 * attempt continues where the first one stopped. `v1` moves last, and only to a release that was verified and is published.
 * @param commits as made here from the sources
 * @param files the folder with its files
 * @returns whether `v1` names the version now
 * @throws Error that says what stopped it, and what to do
 */
export async function publish(place: Place, sources: Sources, commits: Commits, files: string): Promise<boolean> {
  const { version } = sources;
  const progress: Progress = { reached: "nothing" };
  try {
    checkFiles(place, sources, commits, files, "built");
    const state = await readState(place);
    refuse(state, version, commits);
    const published = publishedIn(state, version);
    if (published) {
      progress.reached = "published";
      place.log(`${version.text} is published already: verifying its files`);
      await download(place, published, makeFolder(place, "published"));
      checkFiles(place, sources, commits, folderIn(place, "published"), "published");
    } else await publishDraft(place, sources, commits, files, state, progress);
    return await moveTags(place, version, commits);
  } catch (error) {
    throw new Error(`release ${version.text} stopped: ${messageOf(error)}\n${whatNow(progress.reached, version)}`, {
      cause: error,
    });
  }
}

interface Progress {
  reached: "nothing" | "draft" | "tag" | "published";
}

async function publishDraft(
  place: Place,
  sources: Sources,
  commits: Commits,
  files: string,
  state: State,
  progress: Progress,
): Promise<void> {
  const { version, notes } = sources;
  const { releases, log } = place;
  const [found, ...others] = draftsIn(state, version);
  for (const other of others) await releases.delete(other);
  progress.reached = "draft";
  log(found ? `continuing with the draft of ${version.text}` : `making a draft of ${version.text}`);
  const draft = found ?? (await releases.createDraft(tagOf(version), notes));
  await attach(place, draft, version, files);

  // They were verified as a fresh consumer would see them, before the draft was made.
  log("comparing what is attached with what was verified");
  const attached = makeFolder(place, "attached");
  await download(place, await releases.get(draft.id), attached);
  sameFiles(files, attached, version);

  log(`tagging ${tagOf(version)} and ${portable(tagOf(version))}`);
  progress.reached = "tag";
  pushAtomically(clone(place), place.remote, versionTags(version, commits, state));

  log("publishing");
  const isLatest = isNewest(state, version, "all");
  await releases.publish(draft, { commit: commits.main, notes, isLatest });
  progress.reached = "published";
}

/** Uploads what is missing, and replaces what differs. */
async function attach({ releases, log }: Place, draft: Published, version: Version, files: string): Promise<void> {
  const digests = new Map(assetNames(version).map((name) => [name, `sha256:${digestOf(join(files, name))}`]));
  const kept = new Set<string>();
  for (const asset of draft.assets) {
    if (asset.state === "uploaded" && asset.digest === digests.get(asset.name)) kept.add(asset.name);
    else await releases.deleteAsset(asset);
  }
  for (const name of digests.keys()) {
    if (kept.has(name)) continue;
    log(`attaching ${name}`);
    await releases.upload(draft, name, readFileSync(join(files, name)));
  }
}

/** Moves `v1` and `v1-portable` together, unless a newer version is published. */
async function moveTags(place: Place, version: Version, commits: Commits): Promise<boolean> {
  // Read again, so that a release counts only if GitHub says that it is published.
  const state = await readState(place);
  if (!publishedIn(state, version)) throw new Error(`GitHub doesn't list ${version.text} as published`);
  for (const { ref, to } of versionTags(version, commits, state))
    if (state.refs.get(ref) !== to) throw new Error(`${ref}: expected ${to}, got ${state.refs.get(ref) ?? "no such tag"}`);
  const tags = movingTags(version);
  if (!isNewest(state, version, "major")) {
    place.log(`${tags.main} stays where it is: a newer version is published`);
    return false;
  }
  pushAtomically(
    clone(place),
    place.remote,
    (["main", "portable"] as const).map((line) => {
      const ref = tagRef(tags[line]);
      return { ref, from: state.refs.get(ref), to: commits[line] };
    }),
  );
  place.log(`${tags.main} is ${version.text} now`);
  return true;
}

function versionTags(version: Version, commits: Commits, { refs }: State) {
  const tag = tagOf(version);
  return [
    { ref: tagRef(tag), from: refs.get(tagRef(tag)), to: commits.main },
    { ref: tagRef(portable(tag)), from: refs.get(tagRef(portable(tag))), to: commits.portable },
  ];
}

function refuse(state: State, version: Version, commits: Commits): void {
  refuseBranches(state, version);
  if (state.refs.has(withdrawnRef(version)))
    throw new Error(`${version.text} was rolled back. Release a higher version, or start a rollback to ${version.text} itself`);
  const isPublished = publishedIn(state, version) !== undefined;
  for (const { ref, from, to } of versionTags(version, commits, state)) {
    if (from === undefined || from === to) continue;
    throw new Error(
      isPublished
        ? `${version.text} is published from other sources (${from}), and a published version never changes. Release a higher version`
        : `${ref} is from an attempt with other sources (${from}). Discard that attempt, then release again`,
    );
  }
}

/** The files are those of the sources, signed by the workflow. */
export function checkFiles(place: Place, sources: Sources, commits: Commits, files: string, name: string): void {
  const { repository, address } = place;
  const { version, commit } = sources;
  const scratch = folderIn(place, `consumer-of-${name}`);
  const sums = checkDownload({ files, version, commits, repository, scratch });
  checkProvenance(files, version, sums, { repository: address, commit });
  place.verifySignature(files);
}

export async function download({ releases }: Place, release: Published, out: string): Promise<void> {
  for (const asset of release.assets) {
    // The name becomes a file's.
    if (!/^[\w.-]+$/.test(asset.name)) throw new Error(`the release has a file with the name ${asset.name}`);
    writeFileSync(join(out, asset.name), await releases.download(asset));
  }
}

/** @throws Error if a file differs */
export function sameFiles(expected: string, got: string, version: Version): void {
  for (const name of assetNames(version))
    if (!readFileSync(join(expected, name)).equals(readFileSync(join(got, name))))
      throw new Error(`${name}: what GitHub has differs from what was verified before`);
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

function whatNow(reached: Progress["reached"], version: Version): string {
  const { main } = movingTags(version);
  const again = "Start the workflow again with the same version: it continues.";
  const giveUp = "To give it up, start it with the action discard.";
  switch (reached) {
    case "nothing":
      return `Nothing was changed; ${main} is where it was.`;
    case "draft":
      return `There may be a draft, which nobody sees; ${main} is where it was. ${again} ${giveUp}`;
    case "tag":
      return `There may be a tag ${tagOf(version)} without a published release; ${main} is where it was. ${again} ${giveUp}`;
    case "published":
      return `${version.text} is published, but ${main} may not name it yet. ${again}`;
  }
}
