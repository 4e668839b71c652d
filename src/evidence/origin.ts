import { readFile } from "node:fs/promises";
import { userInfo } from "node:os";
import type { Commit, Origin } from "../model/report.ts";

type Env = Readonly<Record<string, string | undefined>>;

/** Where this run happens, from the runner's variables. @param cell of the job's matrix, which is in no variable */
export function originOf(env: Env, cell?: string): Origin {
  if (env.GITHUB_ACTIONS !== "true") return { kind: "terminal", actor: userInfo().username };
  return {
    kind: "github",
    repository: env.GITHUB_REPOSITORY,
    workflow: env.GITHUB_WORKFLOW_REF ?? env.GITHUB_WORKFLOW,
    workflowRun: env.GITHUB_RUN_ID,
    attempt: env.GITHUB_RUN_ATTEMPT,
    job: env.GITHUB_JOB,
    ...(cell ? { cell } : {}),
    ...(env.GITHUB_ACTION ? { step: env.GITHUB_ACTION } : {}),
    actor: env.GITHUB_ACTOR,
  };
}

/**
 * The tested commit. On a pull request GITHUB_SHA is the merge commit, so the head is kept too. In a terminal git says; outside a
 * repository it is `unversioned`, which only equals itself.
 */
export async function commitOf(env: Env, workspace: string): Promise<Commit> {
  if (env.GITHUB_ACTIONS === "true" && env.GITHUB_SHA) {
    const headSha = await pullRequestHead(env.GITHUB_EVENT_PATH);
    return { sha: env.GITHUB_SHA, ...(headSha && headSha !== env.GITHUB_SHA ? { headSha } : {}) };
  }
  try {
    const { getExecOutput } = await import("@actions/exec");
    const { stdout } = await getExecOutput("git", ["rev-parse", "HEAD"], { cwd: workspace, silent: true });
    return { sha: stdout.trim() };
  } catch {
    // No git, no repository, or no commit yet: such a workspace can still be tested.
    return { sha: "unversioned" };
  }
}

async function pullRequestHead(eventFile: string | undefined): Promise<string | undefined> {
  if (!eventFile) return undefined;
  try {
    const event = JSON.parse(await readFile(eventFile, "utf8")) as { pull_request?: { head?: { sha?: unknown } } };
    const sha = event.pull_request?.head?.sha;
    return typeof sha === "string" ? sha : undefined;
  } catch {
    // act and some runners have no event file. Then evidence is bound by the commit alone.
    return undefined;
  }
}
