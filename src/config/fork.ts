import { readFile } from "node:fs/promises";
import type { Variables } from "./interpolation.ts";

interface Event {
  pull_request?: { head?: { repo?: { full_name?: string } | null } };
}

/**
 * Whose job gets no secrets from GitHub, so that their variables are empty.
 * @returns a sentence with what can be done; `undefined` if there is another reason
 */
export async function whyWithoutSecrets(env: Variables): Promise<string | undefined> {
  if (env.GITHUB_ACTIONS !== "true") return undefined;
  if (env.GITHUB_ACTOR === "dependabot[bot]")
    return "GitHub gives a job that Dependabot started none of the secrets of Actions. docs/guides/forks.md says how to test and merge its change";
  if (!env.GITHUB_EVENT_NAME?.startsWith("pull_request")) return undefined;
  const { pull_request: request } = await eventOf(env.GITHUB_EVENT_PATH);
  // A deleted fork has no name any more.
  if (!request || request.head?.repo?.full_name === env.GITHUB_REPOSITORY) return undefined;
  return "GitHub gives the job of a fork's pull request no secrets. Read the change, then push its commits to a branch of this repository: docs/guides/forks.md";
}

async function eventOf(file: string | undefined): Promise<Event> {
  try {
    return JSON.parse(await readFile(file ?? "", "utf8")) as Event;
  } catch {
    // It only explains a mistake that is reported anyway.
    return {};
  }
}
