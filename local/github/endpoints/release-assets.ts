import { createHash } from "node:crypto";
import type { ApiRequest } from "../api.ts";
import type { Answer, Asked, Endpoints } from "../endpoint.ts";
import { notFound } from "../refusals.ts";
import type { Release, ReleaseAsset } from "../release.ts";
import type { Repository } from "../repository.ts";
import { pageOf } from "./pages.ts";
import { userNamed } from "./users.ts";

const reads = { permission: "contents", access: "read" } as const;
const writes = { permission: "contents", access: "write" } as const;

/** The files of a release. Those of a published one can't change. */
export const assetEndpoints: Endpoints = {
  "repos/list-release-assets": { needs: reads, answer: listAssets },
  "repos/upload-release-asset": { needs: writes, answer: uploadAsset },
  "repos/get-release-asset": { needs: reads, answer: getAsset },
  "repos/delete-release-asset": { needs: writes, answer: deleteAsset },
};

function listAssets(asked: Asked): Answer {
  const release = asked.repository.releases.find(({ id }) => id === Number(asked.path.release_id));
  if (!release) return notFound();
  return pageOf(
    asked,
    release.assets.map((asset) => renderAsset(asset, asked)),
  );
}

function uploadAsset(asked: Asked): Answer {
  const release = asked.repository.releases.find(({ id }) => id === Number(asked.path.release_id));
  if (!release) return notFound();
  const name = asked.query.get("name") ?? "";
  if (!release.draft || release.assets.some((asset) => asset.name === name)) return { status: 422 };
  const content = Buffer.isBuffer(asked.body) ? asked.body : Buffer.alloc(0);
  const asset: ReleaseAsset = {
    id: asked.newId(),
    name,
    content,
    state: "uploaded",
    uploader: asked.login,
    createdAt: asked.now,
  };
  release.assets.push(asset);
  return { status: 201, body: renderAsset(asset, asked) };
}

/** Bytes are in a storage with an address of its own. */
function getAsset(asked: Asked): Answer {
  const found = placeOf(asked);
  if (!found || (found.release.draft && asked.access !== "write")) return notFound();
  if (asked.accept !== "application/octet-stream") return { status: 200, body: renderAsset(found.asset, asked) };
  return { status: 302, headers: { location: `${asked.url}${storage}${found.asset.id}` } };
}

function deleteAsset(asked: Asked): Answer {
  const found = placeOf(asked);
  if (!found) return notFound();
  // A published release is immutable: GitHub's description has no answer for this, so that it counts as a violation.
  if (!found.release.draft) return { status: 422 };
  found.release.assets.splice(found.release.assets.indexOf(found.asset), 1);
  return { status: 204 };
}

function placeOf({ repository, path }: Asked): { release: Release; asset: ReleaseAsset } | undefined {
  for (const release of repository.releases) {
    const asset = release.assets.find(({ id }) => id === Number(path.asset_id));
    if (asset) return { release, asset };
  }
  return undefined;
}

const storage = "/-/storage/";

/** What a signed address of the storage answers. @returns undefined for any other address */
export function storedAsset({ pathname, token }: ApiRequest, repositories: ReadonlyMap<string, Repository>): Answer | undefined {
  if (!pathname.startsWith(storage)) return undefined;
  const id = Number(pathname.slice(storage.length));
  const assets = [...repositories.values()].flatMap(({ releases }) => releases.flatMap((release) => release.assets));
  const asset = assets.find((one) => one.id === id);
  // The storage refuses a second kind of authentication beside the signature in its address.
  if (!asset || token !== undefined) return { status: 400, body: "<!DOCTYPE html><html><body>Bad request</body></html>" };
  return { status: 200, body: asset.content };
}

export function renderAsset(asset: ReleaseAsset, { url, repository }: Asked): object {
  const { id, name, content, state, uploader, createdAt } = asset;
  const time = new Date(createdAt).toISOString();
  return {
    url: `${url}/repos/${repository.owner}/${repository.name}/releases/assets/${id}`,
    browser_download_url: `${url}/${repository.owner}/${repository.name}/releases/download/${id}/${name}`,
    id,
    node_id: Buffer.from(`ReleaseAsset:${id}`).toString("base64"),
    name,
    label: "",
    state,
    content_type: "application/octet-stream",
    size: content.length,
    digest: state === "uploaded" ? `sha256:${createHash("sha256").update(content).digest("hex")}` : null,
    download_count: 0,
    created_at: time,
    updated_at: time,
    uploader: userNamed(uploader, url),
  };
}
