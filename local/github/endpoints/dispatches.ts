import type { Answer, Asked, Endpoints } from "../endpoint.ts";

export const dispatchEndpoints: Endpoints = {
  "actions/create-workflow-dispatch": { needs: { permission: "actions", access: "write" }, answer: dispatchWorkflow },
  "repos/create-dispatch-event": { needs: { permission: "contents", access: "write" }, answer: dispatchEvent },
};

function dispatchWorkflow(asked: Asked): Answer {
  const { ref, inputs = {} } = asked.body as { ref: string; inputs?: Record<string, unknown> };
  const { workflow_id: workflow = "" } = asked.path;
  asked.repository.dispatches.push({ kind: "workflow_dispatch", workflow, ref, inputs });
  return { status: 204 };
}

function dispatchEvent(asked: Asked): Answer {
  const { event_type: type, client_payload: payload = {} } = asked.body as {
    event_type: string;
    client_payload?: Record<string, unknown>;
  };
  asked.repository.dispatches.push({ kind: "repository_dispatch", type, payload });
  return { status: 204 };
}
