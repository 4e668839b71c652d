import { createHash } from "node:crypto";
import { type GitHub, GitHubError } from "./api.ts";
import { type ArtifactService, largestArchive } from "./artifacts.ts";
import { readZip, type ZipFile } from "./zip.ts";

/** The artifacts of other workflow runs, through GitHub's API. The job needs `actions: read`. */

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
      return await unpacked(api, { owner, repo, id: artifact.id, name, digest: artifact.digest });
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

/** An artifact, with what GitHub itself knows of who made it. */
export interface ListedArtifact {
  id: number;
  name: string;
  size: number;
  expired: boolean;
  digest: string | undefined;
  /** The id of the workflow run. */
  run: number | undefined;
  /** The run's commit is another repository's, as on a pull request from a fork. */
  isForeign: boolean;
}

/** Where artifacts are listed. */
export interface ArtifactSource {
  /** @param mostPages of 100 each. `isWhole`: there are no more. @throws GitHubError */
  list(mostPages: number): Promise<{ artifacts: ListedArtifact[]; isWhole: boolean }>;
  /**
   * @returns an error if the content can't be used
   * @throws GitHubError if GitHub could not be asked
   */
  download(artifact: ListedArtifact): Promise<ZipFile[] | Error>;
}

/** The newest artifacts of a repository, or all of one of its runs. */
export function listedArtifacts(api: GitHub, { owner, repo, run }: Omit<RunPlace, "run"> & { run?: number }): ArtifactSource {
  let leftBytes = mostBytes;
  const page = async (number: number) => {
    const at = { owner, repo, per_page: pageSize, page: number };
    if (run === undefined) return (await api.rest.actions.listArtifactsForRepo(at)).data.artifacts;
    return (await api.rest.actions.listWorkflowRunArtifacts({ ...at, run_id: run })).data.artifacts;
  };
  return {
    async list(mostPages) {
      const artifacts: ListedArtifact[] = [];
      for (let number = 1; number <= mostPages; number++) {
        const found = await page(number);
        for (const { id, name, size_in_bytes: size, expired, digest, workflow_run: by } of found)
          artifacts.push({
            ...{ id, name, size, expired, digest: digest ?? undefined, run: by?.id },
            // Unknown counts as foreign.
            isForeign: !by || by.head_repository_id === undefined || by.head_repository_id !== by.repository_id,
          });
        if (found.length < pageSize) return { artifacts, isWhole: true };
      }
      return { artifacts, isWhole: false };
    },
    async download({ id, name, size, digest }) {
      if (size > largestArchive) return new Error(`it is larger than ${largestArchive} bytes`);
      leftBytes -= size;
      if (leftBytes < 0) return new Error(`all artifacts together are larger than ${mostBytes} bytes, so it was not read`);
      try {
        return await unpacked(api, { owner, repo, id, name, digest });
      } catch (error) {
        // Deleted since it was listed, or damaged.
        const isGone = error instanceof GitHubError && (error.status === 404 || error.status === 410);
        if (error instanceof GitHubError && !isGone) throw error;
        return error instanceof Error ? error : new Error(String(error));
      }
    },
  };
}

const pageSize = 100;

interface Wanted {
  owner: string;
  repo: string;
  id: number;
  name: string;
  digest: string | undefined;
}

async function unpacked(api: GitHub, { owner, repo, id, name, digest: expected }: Wanted): Promise<ZipFile[]> {
  const { data } = await api.rest.actions.downloadArtifact({ owner, repo, artifact_id: id, archive_format: "zip" });
  if (!(data instanceof ArrayBuffer)) throw new Error(`the artifact ${name} could not be read: expected an archive`);
  const archive = Buffer.from(data);
  const digest = `sha256:${createHash("sha256").update(archive).digest("hex")}`;
  if (expected && expected !== digest) throw new Error(`the artifact ${name} is not what was uploaded: its SHA-256 differs`);
  return readZip(archive);
}
