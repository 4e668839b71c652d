import { createHash } from "node:crypto";
import type { GitHub } from "../github/api.ts";

/** The one comment of a gate on its pull request: written once, edited when its text changes, and never repeated. */

export interface CommentPlace {
  owner: string;
  repo: string;
  /** The number of the pull request. */
  number: number;
  /** Tells the comments of several gates on one pull request apart, such as of two workflows. */
  gate: string;
}

const mostEdited = 10;

/** `not recognisable`: created with a person's token, so that the next run will not find it. */
export type CommentOutcome = "created" | "edited" | "unchanged" | "not recognisable";

/**
 * Anybody may copy our mark into a comment of their own and change that comment later, so only a comment of an app counts, such as
 * github-actions[bot]. With the token of a person, every run would write another comment.
 * @throws GitHubError
 */
export async function writeComment(api: GitHub, place: CommentPlace, text: string): Promise<CommentOutcome> {
  const { owner, repo, number, gate } = place;
  const mark = markOf(gate);
  const body = `${mark}\n${text}`;
  const all = await api.paginate(api.rest.issues.listComments, { owner, repo, issue_number: number, per_page: 100 });
  const ours = all.filter((comment) => isBots(comment) && comment.body?.startsWith(mark));
  if (ours.length === 0) {
    const { data } = await api.rest.issues.createComment({ owner, repo, issue_number: number, body });
    return isBots(data) ? "created" : "not recognisable";
  }
  // Two runs at the same time may both have written one, and a bot may repeat what somebody wrote: none of them may keep an old result.
  const old = ours.slice(0, mostEdited).filter((comment) => comment.body?.trimEnd() !== body.trimEnd());
  for (const { id } of old) await api.rest.issues.updateComment({ owner, repo, comment_id: id, body });
  return old.length === 0 ? "unchanged" : "edited";
}

function isBots({ user }: { user?: { type?: string } | null }): boolean {
  return user?.type === "Bot";
}

/** A hash, because the name of a workflow could end the HTML comment. */
function markOf(gate: string): string {
  return `<!-- env-actions gate ${createHash("sha256").update(gate).digest("hex").slice(0, 16)} -->`;
}
