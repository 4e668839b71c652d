import { createHash, randomUUID } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";

/**
 * A stand-in for the runner's artifact service, for any number of workflow runs at the same time: Twirp for what exists, and signed
 * addresses for the content. As on GitHub, an artifact has the id of the execution of the job that uploaded it, and is read with that id.
 */

export interface Stored {
  name: string;
  archive: Buffer;
  /** The service's id of the job's execution that uploaded it. */
  job: string;
  /** As the service has it; undefined if it has none, as before 2025. */
  digest?: string | undefined;
}

/** What goes wrong with a call: `Blob` is the content behind a signed address. */
export interface Fault {
  call: "ListArtifacts" | "GetSignedArtifactURL" | "CreateArtifact" | "FinalizeArtifact" | "Blob";
  /** Only of this artifact. */
  name?: string;
  answer: { status: number; body?: string } | "cut";
  /** Then it is over; always, if absent. */
  times?: number;
}

export interface WorkflowRun {
  /** ACTIONS_* of a step: the address, and a token for this run alone. */
  readonly env: Record<string, string>;
  readonly artifacts: Stored[];
  readonly faults: Fault[];
}

export interface LocalArtifacts {
  /** @param job the service's id of the execution of the job that asks */
  newRun(job: string): WorkflowRun;
  /** Requests that GitHub's service would not understand, or that hand a token to the storage. */
  readonly violations: readonly string[];
  stop(): Promise<void>;
}

type Fields = Record<string, unknown>;

interface Run extends WorkflowRun {
  id: string;
}

const scope = ["workflow_run_backend_id", "workflow_job_run_backend_id"];
/** The fields of each request in the service's protocol. */
const known: Record<string, readonly string[]> = {
  ListArtifacts: [...scope, "name_filter", "id_filter"],
  GetSignedArtifactURL: [...scope, "name"],
  CreateArtifact: [...scope, "name", "expires_at", "version", "mime_type"],
  FinalizeArtifact: [...scope, "name", "size", "hash"],
};
const prefix = "/twirp/github.actions.results.api.v1.ArtifactService/";

/** Starts the service on 127.0.0.1. */
export async function startArtifacts(): Promise<LocalArtifacts> {
  const runs = new Map<string, Run>();
  const violations: string[] = [];
  /** By what is signed: the bytes to read, or where to put them. */
  const signed = new Map<string, { run: Run; name: string; job: string; archive: Buffer }>();
  let url = "";

  function call(method: string, request: IncomingMessage, body: Fields): { status: number; body: object } {
    const fields = known[method];
    if (!fields) return wrong(`${method}: the service has no such method`);
    const unknown = Object.keys(body).filter((name) => !fields.includes(name));
    if (unknown.length > 0 || request.method !== "POST") return wrong(`${request.method} ${method} with ${unknown}`);
    const { workflow_run_backend_id: id, workflow_job_run_backend_id: job, name } = body;
    const run = runs.get(String(id));
    if (!run || request.headers.authorization !== `Bearer ${run.env.ACTIONS_RUNTIME_TOKEN}`)
      return { status: 403, body: { code: "permission_denied", msg: "the token is not for this workflow run" } };
    const of = (one: Stored) => one.name === name && one.job === job;
    if (method === "ListArtifacts") return { status: 200, body: { artifacts: listed(run, body.name_filter) } };
    if (method === "GetSignedArtifactURL") {
      const found = run.artifacts.findLast(of);
      return found ? { status: 200, body: { signed_url: sign({ run, ...found }) } } : notFound;
    }
    if (method === "CreateArtifact") {
      if (run.artifacts.some(of))
        return {
          status: 409,
          body: { code: "already_exists", msg: "an artifact with this name already exists on the workflow run" },
        };
      return {
        status: 200,
        body: { ok: true, signed_upload_url: sign({ run, name: String(name), job: String(job), archive: Buffer.alloc(0) }) },
      };
    }
    return run.artifacts.some(of) ? { status: 200, body: { ok: true, artifact_id: "1" } } : notFound;
  }

  function wrong(problem: string): { status: number; body: object } {
    violations.push(problem);
    return { status: 404, body: { code: "bad_route", msg: problem } };
  }

  function sign(one: { run: Run; name: string; job: string; archive: Buffer }): string {
    const signature = randomUUID();
    signed.set(signature, one);
    return `${url}/blob?sig=${signature}`;
  }

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await buffer(request);
    const { pathname, searchParams } = new URL(request.url ?? "", "http://localhost");
    const stored = signed.get(searchParams.get("sig") ?? "");
    const asked = pathname.startsWith(prefix) ? (JSON.parse(body.toString("utf8")) as Fields) : undefined;
    const run = asked ? runs.get(String(asked.workflow_run_backend_id)) : stored?.run;
    const method = asked ? pathname.slice(prefix.length) : "Blob";
    const name = asked ? (asked.name ?? asked.name_filter) : stored?.name;
    const fault = run?.faults.find(
      (one) => one.call === method && (one.name === undefined || one.name === name) && one.times !== 0,
    );
    if (fault?.times) fault.times -= 1;
    if (fault?.answer === "cut") return void response.destroy();
    // Without a wait before the next attempt.
    if (fault) return void response.writeHead(fault.answer.status, { "retry-after": "0" }).end(fault.answer.body);
    if (asked) {
      const answer = call(method, request, asked);
      return void response.writeHead(answer.status, { "content-type": "application/json" }).end(JSON.stringify(answer.body));
    }
    if (request.headers.authorization !== undefined) violations.push("the storage was given a token");
    if (!stored) return void response.writeHead(403).end("<Error><Code>AuthenticationFailed</Code></Error>");
    if (request.method === "GET") return void response.writeHead(200).end(stored.archive);
    if (searchParams.get("comp") === "block") stored.archive = body;
    else
      stored.run.artifacts.push({
        name: stored.name,
        job: stored.job,
        archive: stored.archive,
        digest: digestOf(stored.archive),
      });
    response.writeHead(201).end();
  }

  const server = createServer((request, response) => {
    serve(request, response).catch((error: unknown) => {
      violations.push(String(error));
      response.destroy();
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    violations,
    newRun(job) {
      const id = `run-${runs.size + 1}`;
      const claims = Buffer.from(JSON.stringify({ scp: `Actions.Results:${id}:${job}` })).toString("base64url");
      const env = { ACTIONS_RESULTS_URL: `${url}/`, ACTIONS_RUNTIME_TOKEN: `e30.${claims}.signature` };
      const run: Run = { id, env, artifacts: [], faults: [] };
      runs.set(id, run);
      return run;
    },
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

const notFound = { status: 404, body: { code: "not_found", msg: "no artifact of this name" } };

/** @returns the artifacts as the service lists them, the oldest first */
function listed({ id, artifacts }: Run, filter: unknown): object[] {
  return artifacts.flatMap(({ name, archive, job, digest }, at) =>
    filter !== undefined && filter !== name
      ? []
      : [
          {
            workflow_run_backend_id: id,
            workflow_job_run_backend_id: job,
            // 64-bit numbers are text in this protocol.
            database_id: String(1000 + at),
            name,
            size: String(archive.length),
            created_at: new Date().toISOString(),
            ...(digest ? { digest } : {}),
          },
        ],
  );
}

export function digestOf(archive: Buffer): string {
  return `sha256:${createHash("sha256").update(archive).digest("hex")}`;
}
