import type { Answer, Asked, Endpoints } from "../endpoint.ts";
import { filledAnswer } from "../filled.ts";
import { notFound } from "../refusals.ts";
import type { WorkflowRun } from "../repository.ts";
import { pageOf } from "./pages.ts";
import { userNamed } from "./users.ts";

const reads = { permission: "actions", access: "read" } as const;

export const runEndpoints: Endpoints = {
  "actions/get-workflow-run": { needs: reads, answer: getRun },
  "actions/list-jobs-for-workflow-run": { needs: reads, answer: listJobs },
};

export function runOf({ repository, path }: Asked): WorkflowRun | undefined {
  return repository.runs.find(({ id }) => id === Number(path.run_id));
}

function getRun(asked: Asked): Answer {
  const run = runOf(asked);
  if (!run) return notFound();
  const { url, repository } = asked;
  const at = new Date(run.startedAt).toISOString();
  const own = `${repository.owner}/${repository.name}`;
  const body = filledAnswer("actions/get-workflow-run", 200, {
    ...{
      id: run.id,
      run_attempt: run.attempt,
      head_sha: run.headSha,
      head_branch: run.headBranch ?? "main",
      event: run.event,
      status: run.status,
    },
    ...{ conclusion: run.conclusion, run_started_at: at, created_at: at, updated_at: at },
    actor: userNamed(run.actor, url),
    triggering_actor: userNamed(run.triggeringActor, url),
    repository: { full_name: own, private: repository.isPrivate },
    head_repository: { full_name: run.headRepository ?? own },
  });
  return { status: 200, body };
}

/** The list is in a group, and so are its pages. */
function listJobs(asked: Asked): Answer {
  const run = runOf(asked);
  if (!run) return notFound();
  const page = pageOf(asked, run.jobs);
  const jobs = (page.body as WorkflowRun["jobs"]).map((job) => ({ run_id: run.id, head_sha: run.headSha, ...job }));
  return {
    ...page,
    body: filledAnswer("actions/list-jobs-for-workflow-run", 200, { total_count: run.jobs.length, jobs }),
  };
}
