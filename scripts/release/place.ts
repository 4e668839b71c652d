import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { type Git, gitIn, type Refs, remoteRefs } from "./git.ts";
import type { Published, Releases } from "./github.ts";
import { compareVersions, movingTag, portable, type Version, versionOfTag } from "./version.ts";

/** Where a release goes, and what is there already. */

export interface Place {
  /** A clone of this repository. */
  repository: string;
  remote: string;
  releases: Releases;
  /** `https://github.com/owner/name` */
  address: string;
  /** @throws Error if the provenance in this folder is not signed by the workflow of this repository */
  verifySignature: (folder: string) => void;
  /** An empty folder. */
  scratch: string;
  log: (line: string) => void;
}

/** What the remote and GitHub have. */
export interface State {
  refs: Refs;
  releases: readonly Published[];
}

export const clone = (place: Place): Git => gitIn(place.repository);
export const folderIn = (place: Place, name: string): string => join(place.scratch, name);

export function makeFolder(place: Place, name: string): string {
  const folder = folderIn(place, name);
  mkdirSync(folder);
  return folder;
}

export async function readState(place: Place): Promise<State> {
  const git = clone(place);
  return { refs: remoteRefs(git, place.remote), releases: await place.releases.list() };
}

export const tagOf = ({ text }: Version): string => `v${text}`;
export const tagRef = (tag: string): string => `refs/tags/${tag}`;
/** Marks a version that was rolled back. It is out of sight: neither a branch nor a tag. */
export const withdrawnRef = ({ text }: Version): string => `refs/withdrawn/v${text}`;

export function publishedIn({ releases }: State, version: Version): Published | undefined {
  return releases.find(({ tag_name, draft }) => !draft && tag_name === tagOf(version));
}

export function draftsIn({ releases }: State, version: Version): Published[] {
  return releases.filter(({ tag_name, draft }) => draft && tag_name === tagOf(version));
}

/** Published, with its tag. */
export function publishedVersions({ refs, releases }: State): Version[] {
  return releases
    .filter(({ draft, tag_name }) => !draft && refs.has(tagRef(tag_name)))
    .map(({ tag_name }) => versionOfTag(tag_name))
    .filter((version) => version !== undefined);
}

/** Whether no published version is newer, of the same major version or of all. Versions that were rolled back don't count. */
export function isNewest(state: State, version: Version, among: "major" | "all"): boolean {
  return publishedVersions(state)
    .filter((other) => !state.refs.has(withdrawnRef(other)))
    .filter((other) => among === "all" || movingTag(other) === movingTag(version))
    .every((other) => compareVersions(other, version) <= 0);
}

/** Both moving tags: `v1` and `v1-portable`. */
export function movingTags(version: Version): { main: string; portable: string } {
  return { main: movingTag(version), portable: portable(movingTag(version)) };
}

/** @throws Error if a branch has the name of a moving tag: `@v1` would mean either */
export function refuseBranches({ refs }: State, version: Version): void {
  for (const name of Object.values(movingTags(version)))
    if (refs.has(`refs/heads/${name}`))
      throw new Error(
        `the remote has a branch ${name}, so that "@${name}" would not surely mean the tag. Delete the branch first`,
      );
}
