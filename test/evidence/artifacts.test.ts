import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { artifactService } from "../../src/github/artifacts.ts";
import { writeZip } from "../../src/github/zip.ts";

/**
 * How refusals and failures of the artifact service are handled, against a server that produces them. The protocol itself is
 * tested against act's artifact server, in test/actions/consumer.test.ts.
 */

interface Answer {
  status: number;
  body?: string | Buffer;
  headers?: Record<string, string>;
}
type Handler = (path: string, body: string) => Answer | "break";

const tokenSecret = "not-for-any-message";
let server: Server | undefined;

afterEach(async () => {
  server?.closeAllConnections();
  await new Promise((resolve) => server?.close(resolve) ?? resolve(undefined));
  server = undefined;
});

function token(scp: string): string {
  return `e30.${Buffer.from(JSON.stringify({ scp })).toString("base64url")}.${tokenSecret}`;
}

async function textOf(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part);
  return Buffer.concat(parts).toString("latin1");
}

/** @returns the environment of a runner whose artifact service is `handler` */
async function runner(handler: Handler, scp = "Actions.Other Actions.Results:run-7:job-9"): Promise<NodeJS.ProcessEnv> {
  const started = createServer(async (request, response) => {
    const body = await textOf(request);
    const answer = handler((request.url ?? "").replace(/.*ArtifactService\//, ""), body);
    if (answer === "break") response.destroy();
    else response.writeHead(answer.status, answer.headers).end(answer.body);
  });
  server = started;
  await new Promise<void>((resolve) => started.listen(0, "127.0.0.1", resolve));
  const { port } = started.address() as AddressInfo;
  return { ACTIONS_RESULTS_URL: `http://127.0.0.1:${port}/`, ACTIONS_RUNTIME_TOKEN: token(scp) };
}

function serviceOf(env: NodeJS.ProcessEnv) {
  const service = artifactService(env);
  if (!service) throw new Error("no service");
  return service;
}

async function messageOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    return String(error);
  }
  throw new Error("it should have failed");
}

const listOf = (...artifacts: object[]): Answer => ({ status: 200, body: JSON.stringify({ artifacts }) });
const artifact = (name: string, id: number, job = "job-1", more: object = {}) => ({
  workflow_run_backend_id: "run-7",
  workflow_job_run_backend_id: job,
  database_id: String(id),
  name,
  size: "120",
  created_at: "2026-11-23T10:00:00Z",
  ...more,
});
const soon = { "retry-after": "0" };
const files = [{ name: "evidence.json", content: Buffer.from("{}") }];

describe("the artifact service", () => {
  const address = "https://results.example";
  test.each([
    ["in a terminal", {}],
    ["in a run step: no token", { ACTIONS_RESULTS_URL: address }],
    [
      "on GitHub Enterprise Server",
      { ACTIONS_RESULTS_URL: address, ACTIONS_RUNTIME_TOKEN: "t", GITHUB_SERVER_URL: "https://git.school.edu" },
    ],
  ])("is absent: %s", (_, env) => expect(artifactService(env)).toBeUndefined());

  test.each(["https://github.com", "https://school.ghe.com", ""])("is present on %j", (url) => {
    expect(artifactService({ ACTIONS_RESULTS_URL: address, ACTIONS_RUNTIME_TOKEN: "t", GITHUB_SERVER_URL: url })).toBeDefined();
  });
});

describe("listing and downloading", () => {
  test("asks for the run and job in the token", async () => {
    let asked = {};
    const env = await runner((_, body) => {
      asked = JSON.parse(body);
      return listOf();
    });
    expect(await serviceOf(env).list()).toEqual([]);
    expect(asked).toEqual({ workflow_run_backend_id: "run-7", workflow_job_run_backend_id: "job-9" });
  });

  test("keeps the newest of each name, because a second attempt of the run keeps the first one's artifacts", async () => {
    // act's service gives every job the id of the run, which tells nothing.
    const env = await runner(() => listOf(artifact("smoke", 12), artifact("e2e", 5, "run-7"), artifact("smoke", 9)));
    const found = await serviceOf(env).list();
    expect(found).toEqual([
      { name: "smoke", size: 120, createdAt: "2026-11-23T10:00:00Z", job: "job-1", replaced: true },
      { name: "e2e", size: 120, createdAt: "2026-11-23T10:00:00Z" },
    ]);
  });

  test("downloads with the ids of the job that uploaded it, not of the reading one", async () => {
    const archive = writeZip(files);
    let asked = {};
    const env = await runner((path, body) => {
      if (path === "ListArtifacts") return listOf(artifact("smoke", 9, "job-old"), artifact("smoke", 12, "job-new"));
      if (path !== "GetSignedArtifactURL") return { status: 200, body: archive };
      asked = JSON.parse(body);
      return { status: 200, body: JSON.stringify({ signed_url: `${env.ACTIONS_RESULTS_URL}blob?sig=s` }) };
    });
    expect(await serviceOf(env).download("smoke")).toEqual(files);
    expect(asked).toEqual({ workflow_run_backend_id: "run-7", workflow_job_run_backend_id: "job-new", name: "smoke" });
  });

  test("refuses bytes that differ from the upload", async () => {
    const digest = `sha256:${"0".repeat(64)}`;
    const env = await runner((path) => {
      if (path === "ListArtifacts") return listOf(artifact("smoke", 9, "job-1", { digest }));
      if (path === "GetSignedArtifactURL")
        return { status: 200, body: JSON.stringify({ signedUrl: `${env.ACTIONS_RESULTS_URL}blob?sig=s` }) };
      return { status: 200, body: writeZip(files) };
    });
    expect(await messageOf(serviceOf(env).download("smoke"))).toContain("SHA-256 differs");
  });

  test("reports that the run has no such artifact", async () => {
    const env = await runner(() => listOf());
    expect(await messageOf(serviceOf(env).download("smoke"))).toContain("no artifact named smoke");
  });
});

describe("failures", () => {
  test.each([408, 429, 500, 503])("%i is temporary, so it is retried", async (status) => {
    let calls = 0;
    const env = await runner(() => (++calls < 4 ? { status, headers: soon } : listOf(artifact("smoke", 1))));
    expect(await serviceOf(env).list()).toHaveLength(1);
    expect(calls).toBe(4);
  });

  test("retries are limited, and the message has the last failure", async () => {
    let calls = 0;
    const env = await runner(() => {
      calls++;
      return { status: 503, headers: soon };
    });
    expect(await messageOf(serviceOf(env).list())).toContain("ListArtifacts: 503 Service Unavailable, 4 times");
    expect(calls).toBe(4);
  });

  test("a refusal is not retried, and the message has the service's reason", async () => {
    let calls = 0;
    const env = await runner(() => {
      calls++;
      return { status: 409, body: JSON.stringify({ code: "already_exists", msg: "an artifact with this name already exists" }) };
    });
    expect(await messageOf(serviceOf(env).upload("smoke", files))).toContain("409 an artifact with this name already exists");
    expect(calls).toBe(1);
  });

  test("an upload that was not finalized fails", async () => {
    const env = await runner((path) => {
      if (path === "CreateArtifact")
        return { status: 200, body: JSON.stringify({ ok: true, signed_upload_url: `${env.ACTIONS_RESULTS_URL}blob?sig=s` }) };
      return { status: path === "FinalizeArtifact" ? 200 : 201, body: "{}" };
    });
    expect(await messageOf(serviceOf(env).upload("smoke", files))).toContain("did not accept smoke");
  });

  test("no message contains the token or a signed URL", async () => {
    const failing: Handler[] = [
      () => ({ status: 200, body: `not JSON ${tokenSecret}` }),
      () => ({ status: 401, body: "" }),
      (path) =>
        path === "CreateArtifact"
          ? { status: 200, body: JSON.stringify({ signed_upload_url: `not an address ${tokenSecret}` }) }
          : { status: 500, headers: soon },
    ];
    for (const handler of failing) {
      const env = await runner(handler);
      expect(await messageOf(serviceOf(env).upload("smoke", files))).not.toContain(tokenSecret);
      server?.close();
    }
  });

  test("a broken connection is retried", async () => {
    let calls = 0;
    const env = await runner(() => (++calls === 1 ? "break" : listOf(artifact("smoke", 1))));
    expect(await serviceOf(env).list()).toHaveLength(1);
    expect(calls).toBe(2);
  });

  test("a token without the service's scope is reported", async () => {
    const env = await runner(() => listOf(), "Actions.Other");
    expect(await messageOf(serviceOf(env).list())).toContain("claim scp");
  });

  test.each(["", "a/b", "a:b", "a\nb"])("%j is not a valid artifact name", async (name) => {
    const env = await runner(() => listOf());
    expect(await messageOf(serviceOf(env).upload(name, files))).toContain("cannot name an artifact");
  });
});

test("the upload keeps the signed query unchanged, and requests no more days than the repository allows", async () => {
  const signed = "blob?sig=a%2Bb%20c&se=2026-01-01T00%3A00%3A00Z";
  const seen: string[] = [];
  let created: { expires_at?: string } = {};
  const env = await runner((path, body) => {
    if (path === "CreateArtifact") {
      created = JSON.parse(body);
      return { status: 200, body: JSON.stringify({ ok: true, signed_upload_url: `${env.ACTIONS_RESULTS_URL}${signed}` }) };
    }
    if (path === "FinalizeArtifact") return { status: 200, body: JSON.stringify({ ok: true, artifact_id: "1" }) };
    seen.push(path);
    return { status: 201 };
  });
  await serviceOf({ ...env, GITHUB_RETENTION_DAYS: "3" }).upload("smoke", files, 90);
  expect(seen).toEqual([
    expect.stringContaining(`/${signed}&comp=block&blockid=`),
    expect.stringContaining(`/${signed}&comp=blocklist`),
  ]);
  expect(Date.parse(created.expires_at ?? "")).toBeLessThan(Date.now() + 4 * 86_400_000);
});
