import type { Answer, Asked, Endpoints } from "../endpoint.ts";
import { notFound, unprocessable } from "../refusals.ts";
import type { Deployment, DeploymentState, DeploymentStatus, Repository } from "../repository.ts";
import { pageOf } from "./pages.ts";
import { userNamed } from "./users.ts";

const reads = { permission: "deployments", access: "read" } as const;
const writes = { permission: "deployments", access: "write" } as const;

export const deploymentEndpoints: Endpoints = {
  "repos/list-deployments": { needs: reads, answer: listDeployments },
  "repos/create-deployment": { needs: writes, answer: createDeployment },
  "repos/get-deployment": { needs: reads, answer: getDeployment },
  "repos/list-deployment-statuses": { needs: reads, answer: listStatuses },
  "repos/create-deployment-status": { needs: writes, answer: createStatus },
};

function listDeployments(asked: Asked): Answer {
  const wanted = (["sha", "ref", "task", "environment"] as const).flatMap((field) => {
    const value = asked.query.get(field);
    return value === null || value === "none" ? [] : [{ field, value }];
  });
  const found = asked.repository.deployments.filter((deployment) =>
    wanted.every(({ field, value }) => deployment[field] === value),
  );
  return pageOf(
    asked,
    found.toReversed().map((deployment) => renderDeployment(deployment, asked)),
  );
}

interface NewDeployment {
  ref: string;
  task?: string;
  payload?: unknown;
  environment?: string;
  description?: string | null;
  transient_environment?: boolean;
  production_environment?: boolean;
}

function createDeployment(asked: Asked): Answer {
  const wanted = asked.body as NewDeployment;
  const sha = commitAt(asked.repository, wanted.ref);
  if (!sha) return unprocessable(`No ref found for: ${wanted.ref}`);
  const environment = wanted.environment ?? "production";
  const deployment: Deployment = {
    id: asked.newId(),
    sha,
    ref: wanted.ref,
    task: wanted.task ?? "deploy",
    payload: wanted.payload ?? {},
    environment,
    description: wanted.description ?? null,
    transient: wanted.transient_environment ?? false,
    production: wanted.production_environment ?? environment === "production",
    creator: asked.login,
    createdAt: asked.now,
    updatedAt: asked.now,
    statuses: [],
  };
  asked.repository.deployments.push(deployment);
  return { status: 201, body: renderDeployment(deployment, asked) };
}

function getDeployment(asked: Asked): Answer {
  const deployment = deploymentOf(asked);
  return deployment ? { status: 200, body: renderDeployment(deployment, asked) } : notFound();
}

function commitAt({ refs }: Repository, ref: string): string | undefined {
  return /^[0-9a-f]{40}$/.test(ref) ? ref : refs[ref.replace(/^refs\/(heads|tags)\//, "")];
}

function listStatuses(asked: Asked): Answer {
  const deployment = deploymentOf(asked);
  if (!deployment) return notFound();
  return pageOf(
    asked,
    deployment.statuses.toReversed().map((status) => renderStatus(status, deployment, asked)),
  );
}

interface NewStatus {
  state: DeploymentState;
  target_url?: string;
  log_url?: string;
  description?: string;
  environment?: string;
  environment_url?: string;
  auto_inactive?: boolean;
}

function createStatus(asked: Asked): Answer {
  const deployment = deploymentOf(asked);
  if (!deployment) return notFound();
  const wanted = asked.body as NewStatus;
  if (wanted.environment) deployment.environment = wanted.environment;
  if (wanted.state === "success" && wanted.auto_inactive !== false) retireOthers(deployment, asked);
  const status = addStatus(deployment, asked, wanted);
  return { status: 201, body: renderStatus(status, deployment, asked) };
}

/** A successful deployment makes earlier ones in its environment inactive, unless they are production or transient. */
function retireOthers(successor: Deployment, asked: Asked): void {
  for (const deployment of asked.repository.deployments) {
    const replaced =
      deployment !== successor &&
      deployment.environment === successor.environment &&
      !deployment.transient &&
      !deployment.production &&
      deployment.statuses.at(-1)?.state === "success";
    if (replaced) addStatus(deployment, asked, { state: "inactive" });
  }
}

function addStatus(deployment: Deployment, asked: Asked, wanted: NewStatus): DeploymentStatus {
  const status: DeploymentStatus = {
    id: asked.newId(),
    state: wanted.state,
    creator: asked.login,
    description: wanted.description ?? "",
    environment: deployment.environment,
    targetUrl: wanted.target_url ?? "",
    logUrl: wanted.log_url ?? wanted.target_url ?? "",
    environmentUrl: wanted.environment_url ?? "",
    createdAt: asked.now,
  };
  deployment.statuses.push(status);
  deployment.updatedAt = asked.now;
  return status;
}

function deploymentOf({ repository, path }: Asked): Deployment | undefined {
  return repository.deployments.find((deployment) => deployment.id === Number(path.deployment_id));
}

export function renderDeployment(deployment: Deployment, asked: Asked): unknown {
  const address = addressOf(deployment, asked);
  return {
    url: address,
    id: deployment.id,
    node_id: nodeId("Deployment", deployment.id),
    sha: deployment.sha,
    ref: deployment.ref,
    task: deployment.task,
    payload: deployment.payload,
    original_environment: deployment.environment,
    environment: deployment.environment,
    description: deployment.description,
    creator: userNamed(deployment.creator, asked.url),
    created_at: timestamp(deployment.createdAt),
    updated_at: timestamp(deployment.updatedAt),
    statuses_url: `${address}/statuses`,
    repository_url: repositoryAddress(asked),
    transient_environment: deployment.transient,
    production_environment: deployment.production,
    performed_via_github_app: null,
  };
}

function renderStatus(status: DeploymentStatus, deployment: Deployment, asked: Asked): unknown {
  const address = addressOf(deployment, asked);
  return {
    url: `${address}/statuses/${status.id}`,
    id: status.id,
    node_id: nodeId("DeploymentStatus", status.id),
    state: status.state,
    creator: userNamed(status.creator, asked.url),
    description: status.description,
    environment: status.environment,
    target_url: status.targetUrl,
    created_at: timestamp(status.createdAt),
    updated_at: timestamp(status.createdAt),
    deployment_url: address,
    repository_url: repositoryAddress(asked),
    environment_url: status.environmentUrl,
    log_url: status.logUrl,
    performed_via_github_app: null,
  };
}

function addressOf(deployment: Deployment, asked: Asked): string {
  return `${repositoryAddress(asked)}/deployments/${deployment.id}`;
}

function repositoryAddress({ url, repository }: Asked): string {
  return `${url}/repos/${repository.owner}/${repository.name}`;
}

function nodeId(kind: string, id: number): string {
  return Buffer.from(`${kind}:${id}`).toString("base64");
}

/** GitHub doesn't use milliseconds: `2026-11-23T12:00:00Z`. */
function timestamp(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d{3}Z$/, "Z");
}
