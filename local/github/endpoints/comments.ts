import type { Answer, Asked, Endpoints } from "../endpoint.ts";
import { notFound } from "../refusals.ts";
import type { Comment } from "../repository.ts";
import { pageOf } from "./pages.ts";
import { userNamed } from "./users.ts";

const reads = { permission: "issues", access: "read" } as const;
const writes = { permission: "issues", access: "write" } as const;

/** Comments of issues and pull requests; every number is one of them. */
export const commentEndpoints: Endpoints = {
  "issues/list-comments": { needs: reads, answer: listComments },
  "issues/create-comment": { needs: writes, answer: createComment },
  "issues/update-comment": { needs: writes, answer: updateComment },
};

function listComments(asked: Asked): Answer {
  const issue = Number(asked.path.issue_number);
  const found = asked.repository.comments.filter((comment) => comment.issue === issue);
  return pageOf(
    asked,
    found.map((comment) => render(comment, asked)),
  );
}

function createComment(asked: Asked): Answer {
  const comment: Comment = {
    id: asked.newId(),
    issue: Number(asked.path.issue_number),
    author: asked.login,
    body: (asked.body as { body: string }).body,
    createdAt: asked.now,
    updatedAt: asked.now,
  };
  asked.repository.comments.push(comment);
  return { status: 201, body: render(comment, asked) };
}

function updateComment(asked: Asked): Answer {
  const comment = asked.repository.comments.find(({ id }) => id === Number(asked.path.comment_id));
  if (!comment) return notFound();
  comment.body = (asked.body as { body: string }).body;
  comment.updatedAt = asked.now;
  return { status: 200, body: render(comment, asked) };
}

function render({ id, issue, author, body, createdAt, updatedAt }: Comment, { url, repository }: Asked): object {
  const address = `${url}/repos/${repository.owner}/${repository.name}`;
  return {
    id,
    node_id: Buffer.from(`IssueComment:${id}`).toString("base64"),
    url: `${address}/issues/comments/${id}`,
    html_url: `${url}/${repository.owner}/${repository.name}/pull/${issue}#issuecomment-${id}`,
    issue_url: `${address}/issues/${issue}`,
    user: userNamed(author, url),
    body,
    created_at: new Date(createdAt).toISOString(),
    updated_at: new Date(updatedAt).toISOString(),
    author_association: "NONE",
  };
}
