import { execFileSync } from "node:child_process";
import type { Answer, Asked, Endpoints } from "../endpoint.ts";
import { notFound } from "../refusals.ts";
import type { Release } from "../release.ts";
import type { Repository } from "../repository.ts";
import { pageOf } from "./pages.ts";
import { renderAsset } from "./release-assets.ts";
import { userNamed } from "./users.ts";

const reads = { permission: "contents", access: "read" } as const;
const writes = { permission: "contents", access: "write" } as const;

export const releaseEndpoints: Endpoints = {
  "repos/list-releases": { needs: reads, answer: listReleases },
  "repos/create-release": { needs: writes, answer: createRelease },
  "repos/get-release": { needs: reads, answer: getRelease },
  "repos/get-release-by-tag": { needs: reads, answer: getReleaseByTag },
  "repos/update-release": { needs: writes, answer: updateRelease },
  "repos/delete-release": { needs: writes, answer: deleteRelease },
};

interface Wanted {
  tag_name?: string;
  target_commitish?: string;
  name?: string;
  body?: string;
  draft?: boolean;
  prerelease?: boolean;
  make_latest?: "true" | "false" | "legacy";
}

/** Newest first. Only a token that may write sees drafts. */
function listReleases(asked: Asked): Answer {
  const found = asked.repository.releases.filter(({ draft }) => !draft || asked.access === "write");
  return pageOf(
    asked,
    found.toReversed().map((release) => renderRelease(release, asked)),
  );
}

function createRelease(asked: Asked): Answer {
  const wanted = asked.body as Wanted & { tag_name: string };
  const release: Release = {
    id: asked.newId(),
    tag: wanted.tag_name,
    target: wanted.target_commitish ?? "main",
    name: wanted.name ?? wanted.tag_name,
    body: wanted.body ?? "",
    draft: true,
    prerelease: wanted.prerelease ?? false,
    latest: false,
    author: asked.login,
    createdAt: asked.now,
    publishedAt: undefined,
    assets: [],
  };
  if (wanted.draft !== true && !publish(release, wanted, asked)) return noSuchTarget();
  asked.repository.releases.push(release);
  return { status: 201, body: renderRelease(release, asked) };
}

function getRelease(asked: Asked): Answer {
  const release = releaseOf(asked);
  return release ? { status: 200, body: renderRelease(release, asked) } : notFound();
}

/** GitHub finds no draft by its tag. */
function getReleaseByTag(asked: Asked): Answer {
  const release = asked.repository.releases.find(({ tag, draft }) => !draft && tag === asked.path.tag);
  return release ? { status: 200, body: renderRelease(release, asked) } : notFound();
}

function updateRelease(asked: Asked): Answer {
  const release = releaseOf(asked);
  if (!release) return notFound();
  const wanted = asked.body as Wanted;
  if (!release.draft && (wanted.tag_name ?? release.tag) !== release.tag) return noSuchTarget();
  if (release.draft) {
    release.tag = wanted.tag_name ?? release.tag;
    release.target = wanted.target_commitish ?? release.target;
  }
  release.name = wanted.name ?? release.name;
  release.body = wanted.body ?? release.body;
  release.prerelease = wanted.prerelease ?? release.prerelease;
  if (release.draft && wanted.draft === false && !publish(release, wanted, asked)) return noSuchTarget();
  return { status: 200, body: renderRelease(release, asked) };
}

function deleteRelease(asked: Asked): Answer {
  const release = releaseOf(asked);
  if (!release) return notFound();
  asked.repository.releases.splice(asked.repository.releases.indexOf(release), 1);
  return { status: 204 };
}

/** Creates the tag if it does not exist. @returns whether there is a commit for it */
function publish(release: Release, { make_latest = "true" }: Wanted, asked: Asked): boolean {
  if (!tagExists(asked.repository, release)) return false;
  release.draft = false;
  release.publishedAt = asked.now;
  if (make_latest === "false") return true;
  for (const other of asked.repository.releases) other.latest = false;
  release.latest = true;
  return true;
}

function tagExists({ git, refs }: Repository, { tag, target }: Release): boolean {
  if (git === undefined) {
    refs[tag] ??= refs[target] ?? target;
    return true;
  }
  const ask = (...args: string[]) => execFileSync("git", args, { cwd: git, encoding: "utf8", stdio: "pipe" }).trim();
  if (ask("for-each-ref", `refs/tags/${tag}`) !== "") return true;
  try {
    ask("update-ref", `refs/tags/${tag}`, ask("rev-parse", "--verify", `${target}^{commit}`));
    return true;
  } catch {
    return false;
  }
}

/** The status of GitHub's answer to an unknown `target_commitish`. */
function noSuchTarget(): Answer {
  return {
    status: 422,
    body: { message: "Validation Failed", documentation_url: "https://docs.github.com/rest/releases/releases", errors: [] },
  };
}

function releaseOf({ repository, path }: Asked): Release | undefined {
  return repository.releases.find(({ id }) => id === Number(path.release_id));
}

function renderRelease(release: Release, asked: Asked): object {
  const { url, repository } = asked;
  const address = `${url}/repos/${repository.owner}/${repository.name}`;
  const page = `${url}/${repository.owner}/${repository.name}`;
  const { id, tag, draft, publishedAt } = release;
  return {
    url: `${address}/releases/${id}`,
    html_url: `${page}/releases/tag/${tag}`,
    assets_url: `${address}/releases/${id}/assets`,
    upload_url: `${address}/releases/${id}/assets{?name,label}`,
    tarball_url: draft ? null : `${address}/tarball/${tag}`,
    zipball_url: draft ? null : `${address}/zipball/${tag}`,
    id,
    node_id: Buffer.from(`Release:${id}`).toString("base64"),
    tag_name: tag,
    target_commitish: release.target,
    name: release.name,
    body: release.body,
    draft,
    prerelease: release.prerelease,
    immutable: !draft,
    created_at: new Date(release.createdAt).toISOString(),
    published_at: publishedAt === undefined ? null : new Date(publishedAt).toISOString(),
    author: userNamed(release.author, url),
    assets: release.assets.map((asset) => renderAsset(asset, asked)),
  };
}
