import { readFile } from "node:fs/promises";

/** Which branch a run tests, so that a failure can be compared with the default branch. */

export interface TestedBranch {
  branch?: string;
  isDefaultBranch?: true;
  event?: string;
}

interface Event {
  repository?: { default_branch?: unknown };
}

/** @returns nothing in a terminal, where the branch says little about what is tested */
export async function testedBranch(env: Readonly<Record<string, string | undefined>>): Promise<TestedBranch> {
  if (env.GITHUB_ACTIONS !== "true") return {};
  const { GITHUB_EVENT_NAME: event, GITHUB_HEAD_REF: head, GITHUB_REF: ref = "" } = env;
  const branch = head || /^refs\/heads\/(.+)$/.exec(ref)?.[1];
  // A fork's branch may be called like the default one.
  const isDefault = !head && branch !== undefined && branch === (await defaultBranch(env.GITHUB_EVENT_PATH));
  return {
    ...(event ? { event } : {}),
    ...(branch ? { branch } : {}),
    ...(isDefault ? { isDefaultBranch: true } : {}),
  };
}

async function defaultBranch(eventFile: string | undefined): Promise<string | undefined> {
  if (!eventFile) return undefined;
  try {
    const { repository } = JSON.parse(await readFile(eventFile, "utf8")) as Event;
    return typeof repository?.default_branch === "string" ? repository.default_branch : undefined;
  } catch {
    // Then nothing is said about the default branch.
    return undefined;
  }
}
