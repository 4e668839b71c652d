import { createHash } from "node:crypto";
import type { ApiRequest } from "../api.ts";
import type { Answer, Asked, Endpoints } from "../endpoint.ts";
import { filledAnswer } from "../filled.ts";
import { notFound } from "../refusals.ts";
import type { Artifact, Repository } from "../repository.ts";
import { pageOf } from "./pages.ts";

const reads = { permission: "actions", access: "read" } as const;

/** Artifacts of workflow runs, newest first; a test writes them. Their bytes are in a storage with an address of its own. */
export const artifactEndpoints: Endpoints = {
  "actions/list-artifacts-for-repo": {
    needs: reads,
    answer: (asked) => listed(asked, "actions/list-artifacts-for-repo", () => true),
  },
  "actions/list-workflow-run-artifacts": {
    needs: reads,
    answer: (asked) => listed(asked, "actions/list-workflow-run-artifacts", ({ run }) => run === Number(asked.path.run_id)),
  },
  "actions/download-artifact": { needs: reads, answer: download },
};

function listed(asked: Asked, operation: string, holds: (artifact: Artifact) => boolean): Answer {
  const name = asked.query.get("name");
  const found = asked.repository.artifacts
    .filter((artifact) => holds(artifact) && (name === null || artifact.name === name))
    .toSorted((a, b) => b.id - a.id);
  const page = pageOf(asked, found);
  const artifacts = (page.body as Artifact[]).map((artifact) => described(asked, artifact));
  return { ...page, body: filledAnswer(operation, 200, { total_count: found.length, artifacts }) };
}

function described(
  { url, repository, now }: Asked,
  { id, name, archive, run, expired = false, headRepository }: Artifact,
): object {
  const address = `${url}/repos/${repository.owner}/${repository.name}/actions/artifacts/${id}`;
  const at = new Date(now).toISOString();
  return {
    ...{ id, name, expired, size_in_bytes: archive.length, url: address, archive_download_url: `${address}/zip` },
    ...{ created_at: at, expires_at: at, updated_at: at },
    digest: `sha256:${createHash("sha256").update(archive).digest("hex")}`,
    workflow_run: {
      id: run,
      repository_id: 1,
      head_repository_id: headRepository ?? 1,
      head_branch: "main",
      head_sha: "a".repeat(40),
    },
  };
}

const storage = "/-/artifacts/";

function download({ url, repository, path }: Asked): Answer {
  const artifact = repository.artifacts.find(({ id }) => id === Number(path.artifact_id));
  if (!artifact || path.archive_format !== "zip") return notFound();
  if (artifact.expired) return { status: 410, body: { message: "Artifact has expired" } };
  const host = url.replace("127.0.0.1", "localhost");
  return { status: 302, headers: { location: `${host}${storage}${artifact.id}?sig=signed` } };
}

/** What a signed address of the storage answers. @returns undefined for any other address */
export function storedArtifact(
  { pathname, query, token }: ApiRequest,
  repositories: ReadonlyMap<string, Repository>,
): Answer | undefined {
  if (!pathname.startsWith(storage)) return undefined;
  const id = Number(pathname.slice(storage.length));
  const artifact = [...repositories.values()].flatMap(({ artifacts }) => artifacts).find((one) => one.id === id);
  if (!artifact || query.get("sig") !== "signed" || token !== undefined) return { status: 403, body: "<Error/>" };
  return { status: 200, headers: { "content-type": "application/zip" }, body: artifact.archive };
}
