import type { Answer, Asked, Endpoints } from "../endpoint.ts";

export const dispatchEndpoints: Endpoints = {
  "actions/create-workflow-dispatch": { needs: { permission: "actions", access: "write" }, answer: dispatchWorkflow },
  "repos/create-dispatch-event": { needs: { permission: "contents", access: "write" }, answer: dispatchEvent },
};

function dispatchWorkflow(asked: Asked): Answer {
  const body = asked.body as { ref: string; inputs?: Record<string, unknown>; return_run_details?: boolean };
  const { ref, inputs = {}, return_run_details: namesRun = false } = body;
  const { workflow_id: workflow = "" } = asked.path;
  asked.repository.dispatches.push({ kind: "workflow_dispatch", workflow, ref, inputs });
  if (!namesRun) return { status: 204 };
  const { url, repository, login, now, newId } = asked;
  const id = newId();
  repository.runs.push({
    ...{ id, attempt: 1, headSha: repository.refs[ref] ?? "", event: "workflow_dispatch", status: "queued", conclusion: null },
    ...{ actor: login, triggeringActor: login, startedAt: now, jobs: [], pending: [], reviews: [], ruleAnswers: [] },
  });
  const path = `${repository.owner}/${repository.name}/actions/runs/${id}`;
  return { status: 200, body: { workflow_run_id: id, run_url: `${url}/repos/${path}`, html_url: `${url}/${path}` } };
}

function dispatchEvent(asked: Asked): Answer {
  const { event_type: type, client_payload: payload = {} } = asked.body as {
    event_type: string;
    client_payload?: Record<string, unknown>;
  };
  asked.repository.dispatches.push({ kind: "repository_dispatch", type, payload });
  return { status: 204 };
}
