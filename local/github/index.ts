import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import { setTimeout as pause } from "node:timers/promises";
import { type Api, type ApiRequest, answerTo, type Token, type Violation } from "./api.ts";
import { operationFor } from "./description.ts";
import type { Answer, Endpoints } from "./endpoint.ts";
import { approvalEndpoints } from "./endpoints/approvals.ts";
import { archiveEndpoints, storedArchive } from "./endpoints/archives.ts";
import { artifactEndpoints, storedArtifact } from "./endpoints/artifacts.ts";
import { commentEndpoints } from "./endpoints/comments.ts";
import { deploymentEndpoints } from "./endpoints/deployments.ts";
import { dispatchEndpoints } from "./endpoints/dispatches.ts";
import { gitObjectEndpoints } from "./endpoints/git-objects.ts";
import { gitRefEndpoints } from "./endpoints/git-refs.ts";
import { gitTreeEndpoints } from "./endpoints/git-trees.ts";
import { assetEndpoints, storedAsset } from "./endpoints/release-assets.ts";
import { releaseEndpoints } from "./endpoints/releases.ts";
import { runEndpoints } from "./endpoints/runs.ts";
import { statusEndpoints } from "./endpoints/statuses.ts";
import { userEndpoints } from "./endpoints/users.ts";
import { type Faults, noFaults, takeTurn } from "./faults.ts";
import type { Artifact, Environment, Repository, WorkflowRun } from "./repository.ts";

export { type Token, type Violation, violationStatus } from "./api.ts";
export type { Access, Answer, Asked, Endpoint, Endpoints, PermissionName } from "./endpoint.ts";
export type { Faults, Turn } from "./faults.ts";
export * from "./refusals.ts";
export type { Release, ReleaseAsset } from "./release.ts";
export type {
  Artifact,
  Comment,
  CommitStatus,
  Deployment,
  DeploymentState,
  DeploymentStatus,
  Dispatch,
  Environment,
  PendingDeployment,
  Repository,
  Review,
  WorkflowRun,
} from "./repository.ts";

export interface NewRepository {
  /** Branches and tags with their commits. */
  refs?: Record<string, string>;
  isPrivate?: boolean;
  environments?: Environment[];
  runs?: WorkflowRun[];
  artifacts?: Artifact[];
  /** The folder of a bare repository, for Git's API and for releases. */
  git?: string;
}

export interface GitHubOptions {
  /** 0 or absent: a free port. */
  port?: number;
  /** By `owner/name`. */
  repositories: Record<string, NewRepository>;
  /** The rights of each token, like the `permissions:` of a job. */
  tokens: Record<string, Token>;
  faults?: Partial<Faults>;
  /** Milliseconds; the current time if absent. */
  now?: () => number;
  /** Replace the stand-in's own endpoints, by operation id. */
  endpoints?: Endpoints;
  /** Called when a request has arrived, before it is executed. */
  onRequest?: (request: { method: string; path: string }) => void;
}

export interface SeenRequest {
  method: string;
  /** With its query. */
  path: string;
  body: unknown;
  /** The status of the answer; undefined if the connection was cut. */
  status: number | undefined;
}

export interface LocalGitHub {
  /** For GITHUB_API_URL: `http://127.0.0.1:4711`. */
  readonly url: string;
  readonly faults: Faults;
  /** By `owner/name`. */
  readonly repositories: ReadonlyMap<string, Repository>;
  /** Every request, in order of arrival. */
  readonly requests: readonly SeenRequest[];
  /** If a test ends with any, it has found a bug. */
  readonly violations: readonly Violation[];
  /** Cuts open connections. May be called twice. */
  stop(): Promise<void>;
}

const endpoints: Endpoints = {
  ...deploymentEndpoints,
  ...dispatchEndpoints,
  ...commentEndpoints,
  ...runEndpoints,
  ...approvalEndpoints,
  ...userEndpoints,
  ...statusEndpoints,
  ...releaseEndpoints,
  ...assetEndpoints,
  ...gitRefEndpoints,
  ...gitObjectEndpoints,
  ...gitTreeEndpoints,
  ...archiveEndpoints,
  ...artifactEndpoints,
};

const commonHeaders = {
  "x-github-media-type": "github.v3; format=json",
  "x-ratelimit-limit": "1000",
  "x-ratelimit-remaining": "999",
};

/** Starts GitHub's REST API on 127.0.0.1, over plain HTTP. */
export async function startGitHub(options: GitHubOptions): Promise<LocalGitHub> {
  const requests: SeenRequest[] = [];
  const api = newApi(options);
  const server = createServer((request, response) => {
    serve(request, response, api, requests, options.onRequest).catch((error: unknown) => {
      // A bug in the stand-in, which the test must see.
      api.violations.push({ request: `${request.method} ${request.url}`, problems: [String(error)] });
      response.destroy();
    });
  });
  server.listen(options.port ?? 0, "127.0.0.1");
  await once(server, "listening");
  api.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const { url, faults, repositories, violations } = api;
  return {
    url,
    faults,
    repositories,
    requests,
    violations,
    async stop() {
      if (!server.listening) return;
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

function newApi(options: GitHubOptions): Api {
  let lastId = 1000;
  return {
    url: "",
    repositories: new Map(Object.entries(options.repositories).map(([name, given]) => [name, newRepository(name, given)])),
    tokens: options.tokens,
    endpoints: { ...endpoints, ...options.endpoints },
    faults: { ...noFaults(), ...options.faults },
    violations: [],
    now: options.now ?? Date.now,
    newId: () => ++lastId,
  };
}

function newRepository(
  fullName: string,
  { refs = {}, git, isPrivate = false, environments = [], runs = [], artifacts = [] }: NewRepository,
): Repository {
  const [owner = "", name = ""] = fullName.split("/");
  const written = { deployments: [], dispatches: [], comments: [], statuses: [], releases: [] };
  return { owner, name, refs, git, ...written, isPrivate, environments, runs, artifacts };
}

async function serve(
  request: IncomingMessage,
  response: ServerResponse,
  api: Api,
  seen: SeenRequest[],
  onRequest: GitHubOptions["onRequest"],
): Promise<void> {
  const sent = await buffer(request);
  const isBinary = request.headers["content-type"] === "application/octet-stream";
  const body = isBinary ? sent : parseJson(sent.toString());
  const { method = "GET", url: path = "/" } = request;
  onRequest?.({ method, path });
  const { pathname, searchParams: query } = new URL(path, api.url);
  const { accept } = request.headers;
  const asked: ApiRequest = { method, pathname, query, body, accept, token: tokenFrom(request) };
  const operation = operationFor(method, pathname)?.operation.operationId;
  const cut = takeTurn(api.faults.dropConnections, (turn) => (turn.operation ?? operation) === operation)?.when;
  const answer = cut === "before" ? undefined : (stored(asked, api.repositories) ?? answerTo(asked, api));
  seen.push({ method, path, body, status: cut ? undefined : answer?.status });
  await pause(api.faults.latencyMs, undefined, { ref: false });
  if (cut || !answer) response.destroy();
  else send(response, answer);
}

/** What is on other hosts than the API. */
function stored(asked: ApiRequest, repositories: Api["repositories"]): Answer | undefined {
  return storedAsset(asked, repositories) ?? storedArchive(asked, repositories) ?? storedArtifact(asked, repositories);
}

function tokenFrom({ headers }: IncomingMessage): string | undefined {
  return /^(?:token|bearer) (.+)$/i.exec(headers.authorization ?? "")?.[1];
}

/** @returns undefined for empty text; the text itself if it is not JSON, which then fits no description */
function parseJson(sent: string): unknown {
  if (sent === "") return undefined;
  try {
    return JSON.parse(sent);
  } catch {
    return sent;
  }
}

function send(response: ServerResponse, { status, headers, body }: Answer): void {
  if (Buffer.isBuffer(body)) {
    response.writeHead(status, { "content-type": "application/octet-stream", ...headers });
    response.end(body);
    return;
  }
  const page = typeof body === "string";
  response.writeHead(status, {
    ...commonHeaders,
    "content-type": page ? "text/html; charset=utf-8" : "application/json; charset=utf-8",
    ...headers,
  });
  response.end(page || body === undefined ? body : JSON.stringify(body));
}
