import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { buffer, text } from "node:stream/consumers";
import { gunzipSync } from "node:zlib";
import { readZip, writeZip } from "../../src/github/zip.ts";
import { type Receiver, startReceiver } from "../notifications/receiver.ts";

/** The suite as a process on a runner, with everything that leaves it: what a job's tests print comes out where people see it. */

/** A piece of what left, and by which exit. */
export interface Exit {
  exit: string;
  content: string;
}

export interface World {
  /**
   * Runs the e2e stage with tests that print and report the texts; `post`: the post step of one that was killed, with the texts in its
   * logs, because nobody knew yet that they hold secrets. @returns everything that left the process or stayed behind
   */
  run(door: "action" | "terminal" | "post", texts: readonly string[], secrets: Readonly<Record<string, string>>): Promise<Exit[]>;
  stop(): Promise<void>;
}

const sha = "a".repeat(40);
const entry = join(import.meta.dirname, "..", "..", "src", "main.ts");

/** A project's tests: they print in lines and in halves of lines, to both streams, fail with messages, and leave files behind. */
const tests = `
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { setTimeout as later } from "node:timers/promises";
import { gzipSync } from "node:zlib";
const texts = JSON.parse(readFileSync("texts.json", "utf8"));
for (const [at, text] of texts.entries()) {
  if (at % 3 === 0) process.stdout.write("case " + at + ": " + text + "\\n");
  else if (at % 3 === 1) process.stderr.write("case " + at + ": " + text + "\\n");
  else {
    process.stdout.write("case " + at + ": " + text.slice(0, text.length / 2));
    await later(1);
    process.stdout.write(text.slice(text.length / 2) + "\\n");
  }
}
// As much as is shown of it.
if (process.env.GITHUB_STEP_SUMMARY)
  for (const [at, text] of texts.entries()) if (at % 8 === 0) appendFileSync(process.env.GITHUB_STEP_SUMMARY, "summary " + at + ": " + text + "\\n\\n");
const results = texts.map((text, at) => ({
  name: at % 5 === 0 ? "shows " + text : "case " + at, status: "failed", duration: 1, browser: "authenticated-x",
  message: "expected " + text, trace: "Error: " + text + "\\n    at t (a.test.ts:" + (at + 1) + ":1)", filePath: at % 2 ? "a.test.ts" : undefined,
}));
const summary = { tests: results.length, passed: 0, failed: results.length, pending: 0, skipped: 0, other: 0 };
mkdirSync("reports", { recursive: true });
writeFileSync("reports/ctrf.json", JSON.stringify({ results: { tool: { name: "t" }, summary, tests: results } }));
mkdirSync("test-results/a", { recursive: true });
const all = texts.join("\\n\\n");
writeFileSync("test-results/a/log.txt", all);
writeFileSync("test-results/a/data.json", JSON.stringify(texts));
writeFileSync("test-results/a/all.gz", gzipSync(all));
writeFileSync("test-results/a/trace.zip", readFileSync("trace.source"));
writeFileSync("test-results/a/shot.png", Buffer.concat([Buffer.from([0x89, 0x50, 0, 0xff]), Buffer.from(texts[0])]));
process.exitCode = 1;
`;

export async function newWorld(): Promise<World> {
  const workspace = await mkdtemp(join(tmpdir(), "exits-"));
  const [receiver, artifacts] = await Promise.all([startReceiver(), startArtifacts()]);
  const runId = `${Date.now()}_0a0b0c0d`;
  const here = {
    access: "test-data",
    alerts: {
      stages: ["e2e"],
      terminal: true,
      window: "1s",
      webhook: { url: "${HOOK_URL}", secret: "${HOOK_SECRET}" },
      slack: { url: "${SLACK_URL}" },
      pagerDuty: { url: `${receiver.url}/v2/enqueue`, routingKey: "${ROUTING_KEY}" },
      openTelemetry: { url: `${receiver.url}/v1/metrics` },
    },
  };
  const e2e = {
    command: "node tests.mjs",
    reports: ["reports/*.json"],
    requiredProjects: ["authenticated-*"],
    attachments: ["test-results/**/*"],
  };
  const write = async (name: string, content: string | Buffer) => {
    await mkdir(dirname(join(workspace, name)), { recursive: true });
    await writeFile(join(workspace, name), content);
  };
  await write(".github/env-actions.yml", JSON.stringify({ version: 1, environments: { here }, stages: { e2e } }));
  await write("tests.mjs", tests);
  const github = {
    GITHUB_ACTIONS: "true",
    GITHUB_WORKSPACE: workspace,
    GITHUB_SHA: sha,
    GITHUB_REPOSITORY: "classwaves/app",
    GITHUB_RUN_ID: "77",
    GITHUB_OUTPUT: join(workspace, "output"),
    GITHUB_STATE: join(workspace, "state"),
    GITHUB_STEP_SUMMARY: join(workspace, "step-summary"),
    INPUT_STAGE: "e2e",
    ...artifacts.env,
  };

  const begun = { runId, gateId: "github-77", environment: "here", startedAt: new Date().toISOString() };
  const killed = {
    STATE_POST: "true",
    STATE_ASKED: JSON.stringify({ stage: "e2e", config: ".github/env-actions.yml", workspace, mark: "of-nobody" }),
    STATE_BEGUN: JSON.stringify(begun),
  };

  return {
    async run(door, texts, secrets) {
      receiver.received.length = 0;
      artifacts.uploaded.length = 0;
      await rm(join(workspace, ".env-actions"), { recursive: true, force: true });
      // What integration would have left.
      const origin =
        door !== "terminal" ? { kind: "github", repository: "classwaves/app", workflowRun: "77" } : { kind: "terminal" };
      await write(
        ".env-actions/evidence/integration-here.json",
        JSON.stringify({
          ...{ schemaVersion: 1, stage: "integration", verdict: "passed", environment: "here", runId, origin },
          ...(door !== "terminal" ? { gateId: "github-77" } : {}),
          ...{
            commit: { sha: door !== "terminal" ? sha : "unversioned" },
            finishedAt: new Date().toISOString(),
            reportDigest: "0",
          },
        }),
      );
      for (const name of ["output", "state", "step-summary"]) await write(name, "");
      // Of a killed stage every other secret is a token that only its process knew.
      const [tokens, variables] = [[], []] as [[string, string][], [string, string][]];
      Object.entries(secrets).forEach((one, at) => {
        (door === "post" && at % 2 === 0 ? tokens : variables).push(one);
      });
      if (door === "post") {
        const minted = tokens.map(([role, token]) => [role, { token, expiresAt: null }]);
        await write(`.env-actions/tokens/e2e-${runId}.json`, JSON.stringify(Object.fromEntries(minted)));
        await write(`.env-actions/ledger/${runId}.jsonl`, "");
        for (let at = 0; at < texts.length; at += 4)
          await write(`.env-actions/logs/${runId}/e2e-${at}.log`, `${texts.slice(at, at + 4).join("\n\n")}\n`);
      }
      await write("texts.json", JSON.stringify(texts));
      await write(
        "trace.source",
        writeZip([{ name: "trace.network", content: Buffer.from(texts.map((one) => JSON.stringify({ one })).join("\n")) }]),
      );
      const child = spawn(process.execPath, door === "terminal" ? [entry, "e2e", "--json", "--verbose"] : [entry], {
        cwd: workspace,
        env: {
          PATH: process.env.PATH ?? "",
          NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE ?? "",
          ...(door === "terminal" ? {} : github),
          ...(door === "post" ? killed : {}),
          ...Object.fromEntries(variables),
          HOOK_URL: `${receiver.url}/hook`,
          HOOK_SECRET: "signs-what-is-sent-0",
          SLACK_URL: `${receiver.url}/services/T0/B0/zzzzzzzz`,
          ROUTING_KEY: "0123456789abcdef0123456789abcdef",
        },
        stdio: ["ignore", "pipe", "pipe"],
      });
      const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "close")]);
      const printed = withoutMasks(stdout);
      if (child.exitCode !== 1)
        throw new Error(`it ended with ${child.exitCode}: ${printed.slice(-2000)} ${stderr.slice(-2000)}`);
      return [
        ...(door === "terminal" ? jsonOf("--json", printed) : linesOf("log", printed)),
        ...linesOf("stderr", stderr),
        ...(await filesIn(workspace, [".env-actions", "output", "state", "step-summary"])),
        ...receivedBy(receiver),
        ...artifacts.uploaded.flatMap((archive) =>
          readZip(archive).flatMap(({ name, content }) => contentsOf(`artifact ${name}`, content)),
        ),
      ];
    },
    async stop() {
      await Promise.all([receiver.stop(), artifacts.stop(), rm(workspace, { recursive: true, force: true })]);
    },
  };
}

/** The runner takes these lines out of the log; they are how it learns what to hide. */
function withoutMasks(stdout: string): string {
  return stdout.replace(/^::add-mask::.*\n/gm, "");
}

function receivedBy({ received }: Receiver): Exit[] {
  return received.flatMap(({ path, body }) =>
    path === "/v1/metrics" ? [{ exit: path, content: body }] : jsonOf(`alert ${path}`, body),
  );
}

async function filesIn(workspace: string, names: readonly string[]): Promise<Exit[]> {
  const exits: Exit[] = [];
  for (const name of names) {
    const path = join(workspace, name);
    const found = await readdir(path, { recursive: true, withFileTypes: true }).catch(() => undefined);
    const files = found ? found.filter((one) => one.isFile()).map((one) => join(one.parentPath, one.name)) : [path];
    for (const file of files)
      exits.push({ exit: "file name", content: file }, ...contentsOf(file.slice(workspace.length + 1), await readFile(file)));
  }
  return exits;
}

/** A file as somebody opens it: JSON as values, an archive as its files, a page as its texts, the rest as lines. */
function contentsOf(exit: string, content: Buffer): Exit[] {
  if (content[0] === 0x1f && content[1] === 0x8b) return contentsOf(exit, gunzipSync(content));
  if (content.subarray(0, 2).toString() === "PK")
    return readZip(content).flatMap((file) => contentsOf(`${exit}/${file.name}`, file.content));
  const all = content.toString("utf8");
  if (exit.endsWith(".json")) return jsonOf(exit, all);
  if (exit.endsWith(".jsonl") || exit.endsWith(".network"))
    return all
      .split("\n")
      .filter(Boolean)
      .flatMap((line) => jsonOf(exit, line));
  if (exit.endsWith(".html")) return all.split(/<[^>]*>/).map((piece) => ({ exit, content: piece }));
  return linesOf(exit, all);
}

function jsonOf(exit: string, content: string): Exit[] {
  return stringsIn(JSON.parse(content)).map((one) => ({ exit, content: one }));
}

function stringsIn(value: unknown): string[] {
  if (typeof value === "string") return [value];
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, item]) => [key, ...stringsIn(item)]);
}

const together = 24;
const overlap = 8;

/** In pieces that overlap: a secret may stand on several lines. */
function linesOf(exit: string, content: string): Exit[] {
  const lines = content.split("\n");
  const exits: Exit[] = [];
  for (let start = 0; start < lines.length; start += together - overlap)
    exits.push({ exit, content: lines.slice(start, start + together).join("\n") });
  return exits;
}

/** The runner's artifact service, as far as an upload needs it. */
async function startArtifacts() {
  const uploaded: Buffer[] = [];
  const server = createServer(async (request: IncomingMessage, response) => {
    const body = await buffer(request);
    const { port } = server.address() as AddressInfo;
    const method = request.url?.split("/").at(-1) ?? "";
    if (request.url?.includes("comp=block&")) uploaded.push(body);
    const answers: Record<string, object> = {
      CreateArtifact: { ok: true, signed_upload_url: `http://127.0.0.1:${port}/blob?sig=s` },
      FinalizeArtifact: { ok: true },
      ListArtifacts: { artifacts: [] },
    };
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(answers[method] ?? {}));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const claims = Buffer.from(JSON.stringify({ scp: "Actions.Results:run-7:job-9" })).toString("base64url");
  return {
    uploaded,
    env: {
      ACTIONS_RESULTS_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
      ACTIONS_RUNTIME_TOKEN: `e30.${claims}.c2lnbmF0dXJlLW9mLXRoZS1ydW50aW1l`,
    },
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
