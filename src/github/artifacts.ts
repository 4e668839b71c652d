import { createHash } from "node:crypto";
import { errorText } from "../lib/error-text.ts";
import { proxyFailureIn } from "../lib/proxy/failure.ts";
import { fetchByProxy } from "../lib/proxy/fetch.ts";
import { growingPause, retry, retryAfterMs } from "../lib/retry.ts";
import { isEnterpriseServer } from "./artifact-place.ts";
import { readZip, writeZip, type ZipFile } from "./zip.ts";

/**
 * The artifacts of the current workflow run, through the runner's own artifact service. The service is for JavaScript actions
 * only, needs no `permissions:` line, and works on pull requests from forks. It uses Twirp (JSON over POST) for the metadata, and
 * Azure block blobs with signed addresses for the content.
 */

export interface ArtifactService {
  /**
   * Names are unique per run attempt: the service rejects a name that exists.
   * @throws Error if the upload failed; if the answer was lost, the artifact may exist anyway
   */
  upload(name: string, files: readonly ZipFile[], retentionDays?: number): Promise<void>;
  /**
   * All artifacts of the run, the newest of each name. `size` is the archive's size in bytes; `createdAt` is in ISO 8601; `job` is the
   * service's own id of the execution of a job that made it, if the service tells jobs apart. `replaced`: there are older ones of this
   * name.
   */
  list(): Promise<{ name: string; createdAt?: string; size: number; job?: string; replaced?: true }[]>;
  /** @throws Error if there is no artifact of that name, or if its content differs from the upload */
  download(name: string): Promise<ZipFile[]>;
}

type Fetch = typeof fetchByProxy;
type Json = Record<string, unknown>;

const attempts = 4;
const firstPauseMs = 500;
const longestPauseMs = 15_000;
const callDeadlineMs = 20_000;
const transferDeadlineMs = 60_000;
export const largestArchive = 64 * 1024 * 1024;
/** Version 4 is a ZIP archive. Later versions only add other formats, which Gitea's and act's services do not support. */
const formatVersion = 4;

/** @returns undefined if the runner has no artifact service: in a terminal, in `run` steps, and on GitHub Enterprise Server */
export function artifactService(env: NodeJS.ProcessEnv, fetch: Fetch = fetchByProxy): ArtifactService | undefined {
  const { ACTIONS_RESULTS_URL: address, ACTIONS_RUNTIME_TOKEN: token } = env;
  if (!address || !token || isEnterpriseServer(env.GITHUB_SERVER_URL)) return undefined;

  const call = async (method: string, request: Json): Promise<Json> => {
    const response = await send(`artifact service, ${method}`, callDeadlineMs, fetch, {
      url: new URL(`/twirp/github.actions.results.api.v1.ArtifactService/${method}`, address).href,
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${token}` },
      body: JSON.stringify(request),
    });
    return parseObject(method, response.toString("utf8"));
  };

  const listNewest = async (nameFilter?: string): Promise<Artifact[]> => {
    const answer = await call("ListArtifacts", { ...scopeOf(token), ...(nameFilter && { name_filter: nameFilter }) });
    const found = answer.artifacts ?? [];
    if (!Array.isArray(found)) throw new Error("artifact service, ListArtifacts: the answer holds no list");
    return newestOfEachName(found.map(readArtifact));
  };

  return {
    async upload(name, files, retentionDays) {
      checkArtifactName(name);
      const archive = writeZip(files);
      const scope = scopeOf(token);
      const created = await call("CreateArtifact", {
        ...scope,
        name,
        version: formatVersion,
        ...(retentionDays && { expires_at: expiry(retentionDays, env.GITHUB_RETENTION_DAYS) }),
      });
      await uploadBlob(textOf(created, "signed_upload_url"), archive, fetch);
      const finalized = await call("FinalizeArtifact", {
        ...scope,
        name,
        size: String(archive.length),
        hash: sha256(archive),
      });
      if (fieldOf(finalized, "ok") !== true) throw new Error(`artifact service, FinalizeArtifact: it did not accept ${name}`);
    },

    async list() {
      const artifacts = await listNewest();
      return artifacts.map(({ name, createdAt, size, scope, replaced }) => {
        const { workflow_run_backend_id: run, workflow_job_run_backend_id: job } = scope;
        // act gives all jobs the id of the run.
        return { name, createdAt, size, ...(job !== run && { job }), ...(replaced && { replaced }) };
      });
    },

    async download(name) {
      const artifact = (await listNewest(name)).find((candidate) => candidate.name === name);
      if (!artifact) throw new Error(`this workflow run has no artifact named ${name}`);
      const signed = await call("GetSignedArtifactURL", { ...artifact.scope, name });
      const archive = await send(`artifact storage, reading ${name}`, transferDeadlineMs, fetch, {
        url: textOf(signed, "signed_url"),
        method: "GET",
      });
      if (artifact.digest && artifact.digest !== sha256(archive))
        throw new Error(`the artifact ${name} is not what was uploaded: its SHA-256 differs`);
      return readZip(archive);
    },
  };
}

interface Scope {
  workflow_run_backend_id: string;
  workflow_job_run_backend_id: string;
}

/** The token's `scp` claim names its run and job: `… Actions.Results:<run>:<job> …`. */
function scopeOf(token: string): Scope {
  const claims = parseObject("the runtime token", Buffer.from(token.split(".")[1] ?? "", "base64url").toString("utf8"));
  const scopes = typeof claims.scp === "string" ? claims.scp.split(" ") : [];
  for (const scope of scopes) {
    const [kind, run, job, ...rest] = scope.split(":");
    if (kind === "Actions.Results" && run && job && rest.length === 0)
      return { workflow_run_backend_id: run, workflow_job_run_backend_id: job };
  }
  throw new Error("the runtime token names no run and job for the artifact service (claim scp)");
}

interface Artifact {
  name: string;
  id: number;
  size: number;
  createdAt?: string;
  digest?: string;
  replaced?: true;
  /** The job that made it: reading requires this job's id, not the reader's. */
  scope: Scope;
}

function readArtifact(json: unknown): Artifact {
  if (!isObject(json)) throw new Error("artifact service, ListArtifacts: an artifact is not an object");
  const createdAt = fieldOf(json, "created_at");
  const digest = fieldOf(json, "digest");
  return {
    name: textOf(json, "name"),
    // This protocol writes 64-bit numbers as JSON text, and omits zeros.
    id: Number(fieldOf(json, "database_id") ?? 0),
    size: Number(fieldOf(json, "size") ?? 0),
    ...(typeof createdAt === "string" && { createdAt }),
    ...(typeof digest === "string" && { digest }),
    scope: {
      workflow_run_backend_id: textOf(json, "workflow_run_backend_id"),
      workflow_job_run_backend_id: textOf(json, "workflow_job_run_backend_id"),
    },
  };
}

/** A restarted run keeps the artifacts of the first attempt. The higher id is the newer one. */
function newestOfEachName(artifacts: readonly Artifact[]): Artifact[] {
  const newest = new Map<string, Artifact>();
  for (const artifact of artifacts) {
    const known = newest.get(artifact.name);
    newest.set(artifact.name, known ? { ...(known.id < artifact.id ? artifact : known), replaced: true } : artifact);
  }
  return [...newest.values()];
}

/**
 * A single block is enough below 4 GB, and `writeZip` has a far lower limit. We only append to the address, because parsing and
 * printing its query could change the signed bytes.
 */
async function uploadBlob(signedUrl: string, archive: Buffer, fetch: Fetch): Promise<void> {
  const blockId = Buffer.from("block-000000").toString("base64");
  await send("artifact storage, writing", transferDeadlineMs, fetch, {
    url: `${signedUrl}&comp=block&blockid=${encodeURIComponent(blockId)}`,
    method: "PUT",
    headers: { "content-type": "application/octet-stream" },
    body: archive,
  });
  await send("artifact storage, committing", callDeadlineMs, fetch, {
    url: `${signedUrl}&comp=blocklist`,
    method: "PUT",
    headers: { "content-type": "application/xml", "x-ms-blob-content-type": "application/zip" },
    body: `<?xml version="1.0" encoding="utf-8"?><BlockList><Latest>${blockId}</Latest></BlockList>`,
  });
}

interface Request {
  url: string;
  method: string;
  headers?: Record<string, string>;
  body?: string | Buffer;
}

/**
 * Sends a request and reads the whole answer. Retries temporary failures: no connection, no answer in time, 408, 429 and 5xx.
 * Errors contain `what` but never the address, because a signed address is a credential.
 */
async function send(what: string, deadlineMs: number, fetch: Fetch, { url, ...request }: Request): Promise<Buffer> {
  if (!URL.canParse(url)) throw new Error(`${what}: the service gave no valid address`);
  const attempt = async (): Promise<Buffer> => {
    const response = await fetch(url, { ...request, redirect: "error", signal: AbortSignal.timeout(deadlineMs) });
    if (response.ok) return await readBounded(response);
    throw new Unanswered(`${response.status} ${await refusalOf(response)}`.trim(), {
      mayPass: isPassing(response.status),
      askedMs: retryAfterMs(response.headers.get("retry-after")),
    });
  };
  return await retry(attempt, {
    failure: (thrown) => (thrown instanceof Unanswered ? thrown : unanswered(thrown, deadlineMs)),
    mayPass: ({ mayPass }) => mayPass,
    pauseMs: ({ askedMs }, number) => Math.min(askedMs ?? growingPause(firstPauseMs, number, { factor: 3 }), longestPauseMs),
    attempts,
    gaveUp: ({ why, last }) => new Error(`${what}: ${last.message}${why === "refused" ? "" : `, ${attempts} times`}`),
  });
}

class Unanswered extends Error {
  /** Whether a retry may succeed. */
  readonly mayPass: boolean;
  /** The pause that the service asked for with Retry-After. */
  readonly askedMs: number | undefined;

  constructor(why: string, { mayPass, askedMs }: { mayPass: boolean; askedMs?: number | undefined }) {
    super(why);
    this.mayPass = mayPass;
    this.askedMs = askedMs;
  }
}

function isPassing(status: number): boolean {
  return status === 408 || status === 429 || status >= 500;
}

/** Twirp answers `{"code", "msg"}`, Azure XML with `<Code>`. For any other answer, the status is enough. */
async function refusalOf(response: Response): Promise<string> {
  const body = (await response.text()).slice(0, 2000);
  const message = /"msg"\s*:\s*("(?:[^"\\]|\\.)*")/.exec(body)?.[1];
  return message ? String(JSON.parse(message)) : (/<Code>([^<]*)<\/Code>/.exec(body)?.[1] ?? response.statusText);
}

function unanswered(thrown: unknown, deadlineMs: number): Unanswered {
  const proxy = proxyFailureIn(thrown);
  return proxy
    ? new Unanswered(proxy.message, { mayPass: proxy.mayPass })
    : new Unanswered(networkReason(thrown, deadlineMs), { mayPass: true });
}

function networkReason(error: unknown, deadlineMs: number): string {
  if (error instanceof DOMException && error.name === "TimeoutError") return `no answer within ${deadlineMs / 1000} s`;
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  if (cause instanceof Error && "code" in cause) return `no connection (${String(cause.code)})`;
  return `no connection (${errorText(cause)})`;
}

async function readBounded(response: Response): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of response.body ?? []) {
    size += part.length;
    if (size > largestArchive) throw new Unanswered(`the answer is larger than ${largestArchive} bytes`, { mayPass: false });
    parts.push(part);
  }
  return Buffer.concat(parts);
}

function checkArtifactName(name: string): void {
  if (name === "" || /[":<>|*?\r\n\\/]/.test(name))
    throw new Error(`${JSON.stringify(name)} cannot name an artifact: none of " : < > | * ? \\ / and line breaks`);
}

/** The service rejects more days than the repository allows. */
function expiry(days: number, allowedDays: string | undefined): string {
  const allowed = Number(allowedDays || Number.POSITIVE_INFINITY);
  return new Date(Date.now() + Math.min(days, allowed) * 86_400_000).toISOString();
}

function sha256(bytes: Buffer): string {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}

function parseObject(what: string, text: string): Json {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    // The parser's message quotes the text, which may contain the token or a signed address.
    throw new Error(`artifact service, ${what}: not JSON`);
  }
  if (!isObject(json)) throw new Error(`artifact service, ${what}: not a JSON object`);
  return json;
}

function isObject(json: unknown): json is Json {
  return typeof json === "object" && json !== null && !Array.isArray(json);
}

/** Protobuf's JSON allows two spellings, and services use either: `signed_url` and `signedUrl`. */
function fieldOf(json: Json, field: string): unknown {
  return json[field] ?? json[field.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase())];
}

function textOf(json: Json, field: string): string {
  const value = fieldOf(json, field);
  if (typeof value !== "string" || value === "") throw new Error(`artifact service: the answer has no ${field}`);
  return value;
}
