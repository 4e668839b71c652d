import { type Commits, sourceOf } from "./commits.ts";
import { checkDownload, fetchCommits } from "./consumer.ts";
import { pushAtomically } from "./git.ts";
import {
  clone,
  draftsIn,
  folderIn,
  makeFolder,
  movingTags,
  type Place,
  publishedIn,
  publishedVersions,
  readState,
  refuseBranches,
  type State,
  tagOf,
  tagRef,
  withdrawnRef,
} from "./place.ts";
import { checkProvenance } from "./provenance.ts";
import { download, sameFiles } from "./publish.ts";
import { compareVersions, movingTag, portable, type Version } from "./version.ts";

/** What happens to a version after its release, or in its place. */

export interface Released {
  commits: Commits;
  /** A folder with its files, as GitHub has them. */
  files: string;
}

/**
 * Downloads a published version and verifies it.
 * @param verified a folder with the files that were verified before, if they were
 * @throws Error if it is not published, not what was released, or not what was verified
 */
export async function fetchReleased(place: Place, version: Version, verified?: string): Promise<Released> {
  const state = await readState(place);
  const release = publishedIn(state, version);
  const [main, portableCommit] = [tagOf(version), portable(tagOf(version))].map((tag) => state.refs.get(tagRef(tag)));
  if (!release || !main || !portableCommit)
    throw new Error(
      `${version.text} is not published. Published: ${
        publishedVersions(state)
          .map(({ text }) => text)
          .join(", ") || "nothing"
      }`,
    );
  const commits = { main, portable: portableCommit };
  const git = clone(place);
  fetchCommits(git, place.remote, commits);
  const files = makeFolder(place, "published");
  await download(place, release, files);
  const { repository, address } = place;
  const sums = checkDownload({ files, version, commits, repository, scratch: folderIn(place, "consumer-of-published") });
  checkProvenance(files, version, sums, { repository: address, commit: sourceOf(git, commits.main) });
  place.verifySignature(files);
  if (verified !== undefined) sameFiles(verified, files, version);
  return { commits, files };
}

/**
 * Moves `v1` to a published version, usually an older one. Newer versions are marked as withdrawn: a repeated release of one
 * of them does not move `v1` forward again.
 * @param verified the folder with the files that the workflow has verified
 */
export async function rollBack(place: Place, version: Version, verified: string): Promise<void> {
  const { commits } = await fetchReleased(place, version, verified);
  const state = await readState(place);
  refuseBranches(state, version);
  const tags = movingTags(version);
  const lines = (["main", "portable"] as const).map((line) => ({ ref: tagRef(tags[line]), to: commits[line] }));
  const newer = publishedVersions(state).filter(
    (other) => movingTag(other) === movingTag(version) && compareVersions(other, version) > 0,
  );
  const marks = [
    ...newer.map((other) => ({ ref: withdrawnRef(other), to: state.refs.get(withdrawnRef(other)) ?? commits.main })),
    { ref: withdrawnRef(version), to: undefined },
  ];
  const moves = [...lines, ...marks].map(({ ref, to }) => ({ ref, from: state.refs.get(ref), to }));
  pushAtomically(clone(place), place.remote, moves);
  place.log(`${tags.main} is ${version.text} now`);
  for (const { text } of newer) place.log(`${text} is withdrawn`);
}

/** Deletes what an attempt has left that was not published: drafts and tags. */
export async function discard(place: Place, version: Version): Promise<void> {
  const state = await readState(place);
  if (publishedIn(state, version))
    throw new Error(
      `${version.text} is published, and a published version never changes. To move ${movingTag(version)} back: rollback`,
    );
  const drafts = draftsIn(state, version);
  for (const draft of drafts) await place.releases.delete(draft);
  const tags = existingTags(state, version);
  pushAtomically(
    clone(place),
    place.remote,
    tags.map((tag) => ({ ref: tagRef(tag), from: state.refs.get(tagRef(tag)), to: undefined })),
  );
  place.log(`deleted: ${drafts.length} drafts, tags: ${tags.join(", ") || "none"}`);
}

function existingTags({ refs }: State, version: Version): string[] {
  return [tagOf(version), portable(tagOf(version))].filter((tag) => refs.has(tagRef(tag)));
}
