import { readFile } from "node:fs/promises";
import type { Commit } from "../../model/report.ts";

/** Which branch a run tests, so that a failure can be compared with the default branch. */

export interface TestedBranch {
  branch?: string;
  isDefaultBranch?: true;
  isFork?: true;
  event?: string;
}

interface Event {
  repository?: { default_branch?: unknown; full_name?: unknown };
  pull_request?: { head?: { repo?: { full_name?: unknown } | null } };
}

/** @returns nothing in a terminal, where the branch says little about what is tested */
export async function testedBranch(
  env: Readonly<Record<string, string | undefined>>,
  { sha }: Pick<Commit, "sha">,
): Promise<TestedBranch> {
  if (env.GITHUB_ACTIONS !== "true") return {};
  const { GITHUB_EVENT_NAME: name, GITHUB_HEAD_REF: head, GITHUB_REF: ref = "" } = env;
  const branch = head || /^refs\/heads\/(.+)$/.exec(ref)?.[1];
  const event = await eventIn(env.GITHUB_EVENT_PATH);
  // Some events name the default branch, and their workflow checks out something else: a fork's commit, for example. A fork's branch
  // may also be called like the default one.
  const isDefault = !head && branch !== undefined && branch === event.repository?.default_branch && sha === env.GITHUB_SHA;
  return {
    ...(name ? { event: name } : {}),
    ...(branch ? { branch } : {}),
    ...(isDefault ? { isDefaultBranch: true } : {}),
    ...(isFromFork(event) ? { isFork: true } : {}),
  };
}

/** Also if the fork was deleted. */
function isFromFork({ repository, pull_request: pullRequest }: Event): boolean {
  return pullRequest !== undefined && pullRequest.head?.repo?.full_name !== repository?.full_name;
}

async function eventIn(file: string | undefined): Promise<Event> {
  if (!file) return {};
  try {
    return (JSON.parse(await readFile(file, "utf8")) ?? {}) as Event;
  } catch {
    // Then nothing is said about the default branch.
    return {};
  }
}
