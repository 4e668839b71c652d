import type { Answer, Asked, Endpoints } from "../endpoint.ts";
import type { CommitStatus } from "../repository.ts";
import { pageOf } from "./pages.ts";
import { userNamed } from "./users.ts";

/** Commit statuses: the newest of each context counts, and the others stay in the list. */
export const statusEndpoints: Endpoints = {
  "repos/list-commit-statuses-for-ref": { needs: { permission: "statuses", access: "read" }, answer: listStatuses },
  "repos/create-commit-status": { needs: { permission: "statuses", access: "write" }, answer: createStatus },
};

function listStatuses(asked: Asked): Answer {
  const found = asked.repository.statuses.filter(({ sha }) => sha === asked.path.ref);
  return pageOf(
    asked,
    found.toReversed().map((status) => render(status, asked)),
  );
}

interface NewStatus {
  state: string;
  context?: string;
  description?: string | null;
  target_url?: string | null;
}

function createStatus(asked: Asked): Answer {
  const { state, context = "default", description = null, target_url = null } = asked.body as NewStatus;
  const status: CommitStatus = {
    ...{ id: asked.newId(), sha: asked.path.sha ?? "", context, state, description },
    ...{ targetUrl: target_url, creator: asked.login, createdAt: asked.now },
  };
  asked.repository.statuses.push(status);
  return { status: 201, body: render(status, asked) };
}

function render(
  { id, sha, context, state, description, targetUrl, creator, createdAt }: CommitStatus,
  { url, repository }: Asked,
): object {
  const at = new Date(createdAt).toISOString();
  return {
    ...{ id, context, state, description, target_url: targetUrl, created_at: at, updated_at: at },
    node_id: Buffer.from(`StatusContext:${id}`).toString("base64"),
    url: `${url}/repos/${repository.owner}/${repository.name}/statuses/${sha}`,
    avatar_url: null,
    creator: userNamed(creator, url),
  };
}
