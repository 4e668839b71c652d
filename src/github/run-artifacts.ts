import { createHash } from "node:crypto";
import type { GitHub } from "./api.ts";
import { type ArtifactService, largestArchive } from "./artifacts.ts";
import { readZip } from "./zip.ts";

/** The artifacts of another workflow run, through GitHub's API. The job needs `actions: read`. */

export interface RunPlace {
  owner: string;
  repo: string;
  /** The id of the workflow run. */
  run: number;
}

/** Of all that is downloaded: whoever wrote the artifacts must not keep the job busy for hours. */
const mostBytes = 256 * 1024 * 1024;
/** As many requests as GitHub allows the jobs of a repository in an hour. */
const defaultMostDownloads = 1_000;

/** Reads as {@link ArtifactService} does. The API doesn't say which job uploaded an artifact. */
export function artifactsOfRun(
  api: GitHub,
  { owner, repo, run }: RunPlace,
  { mostDownloads = defaultMostDownloads }: { mostDownloads?: number } = {},
): Pick<ArtifactService, "list" | "download"> {
  let leftBytes = mostBytes;
  let leftDownloads = mostDownloads;
  let listing: Promise<Map<string, Listed>> | undefined;
  const listed = () => {
    listing ??= listNewest(api, { owner, repo, run });
    return listing;
  };
  return {
    async list() {
      const found = [...(await listed()).values()];
      return found.map(({ name, size, createdAt, replaced }) => ({ name, size, createdAt, ...(replaced && { replaced }) }));
    },
    async download(name) {
      const artifact = (await listed()).get(name);
      if (!artifact) throw new Error(`the workflow run has no artifact named ${name}`);
      if (artifact.expired) throw new Error(`the artifact ${name} has expired`);
      if (artifact.size > largestArchive)
        throw new Error(`the artifact ${name} is larger than evidence is: ${artifact.size} bytes`);
      leftBytes -= artifact.size;
      if (leftBytes < 0) throw new Error(`the run's artifacts are larger than ${mostBytes} bytes, so this one was not read`);
      leftDownloads -= 1;
      if (leftDownloads < 0)
        throw new Error(`the run has more than ${mostDownloads} artifacts of stages, so this one was not read`);
      const { data } = await api.rest.actions.downloadArtifact({ owner, repo, artifact_id: artifact.id, archive_format: "zip" });
      if (!(data instanceof ArrayBuffer)) throw new Error(`the artifact ${name} could not be read: expected an archive`);
      const archive = Buffer.from(data);
      const digest = `sha256:${createHash("sha256").update(archive).digest("hex")}`;
      if (artifact.digest && artifact.digest !== digest)
        throw new Error(`the artifact ${name} is not what was uploaded: its SHA-256 differs`);
      return readZip(archive);
    },
  };
}

interface Listed {
  id: number;
  name: string;
  size: number;
  createdAt: string | undefined;
  expired: boolean;
  digest: string | undefined;
  replaced: boolean;
}

async function listNewest(api: GitHub, { owner, repo, run }: RunPlace): Promise<Map<string, Listed>> {
  const all = await api.paginate(api.rest.actions.listWorkflowRunArtifacts, { owner, repo, run_id: run, per_page: 100 });
  const newest = new Map<string, Listed>();
  // Ids grow, whatever the dates say.
  for (const { id, name, size_in_bytes, created_at, expired, digest } of all.toSorted((a, b) => a.id - b.id))
    newest.set(name, {
      ...{ id, name, expired },
      size: size_in_bytes,
      createdAt: created_at ?? undefined,
      digest: digest ?? undefined,
      replaced: newest.has(name),
    });
  return newest;
}
