import { createHash } from "node:crypto";
import { once } from "node:events";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { runnerEnvironment } from "../harness/process.ts";
import { type Ended, newFolder, newWorkspace, readIn, removeFolder, start } from "./user.ts";

/**
 * Secrets stay secret, and a record stays what it was: what leaves dist/index.js on a runner and in a terminal. Every configuration is
 * also one of versions that did not keep these promises; see user.ts for how to ask one of those.
 */

const secrets = {
  JWT_SECRET: "jwt-c0ffee5eed4711aa9c",
  DATABASE_URL: "postgres://app:pg-hunter-77aa@db.internal:5432/app",
  // The only one that the configuration names.
  HOOK_SECRET: "hook-41c2d3e4f5a6b7c8",
};
/** What the job's steps get. The address is for smoke alone, which does not run here. */
const job = { ...secrets, HOOK_URL: "https://hooks.internal/env" };
const escapeCode = "\u001b";
const basic = Buffer.from("svc-user:svc-word-90bb").toString("base64");
const coloured = `${secrets.HOOK_SECRET.slice(0, 9)}${escapeCode}[31m${secrets.HOOK_SECRET.slice(9)}${escapeCode}[0m`;
/** What the test says: with both, on a runner or in a terminal. */
const printed = [
  `signed with ${secrets.JWT_SECRET}`,
  `connected to ${secrets.DATABASE_URL}`,
  `sent ${coloured} on`,
  `Authorization: Basic ${basic}`,
];

/** A project whose test fails, and says what it should not, on both streams and in its report; then it looks around. */
const tests = `import { appendFileSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
const printed = ${JSON.stringify(printed)};
for (const line of printed) { console.log(line); console.error(line); }
const result = { name: "works", status: "failed", duration: 1, message: printed.join("\\n"), trace: "Error: " + printed.join("\\n") };
const summary = { tests: 1, passed: 0, failed: 1, pending: 0, skipped: 0, other: 0 };
writeFileSync("report.json", JSON.stringify({ results: { tool: { name: "t" }, summary, tests: [result] } }));
// What the runner would take for a variable of later steps: it names both files alike.
const own = process.env.GITHUB_STEP_SUMMARY;
if (own) try { appendFileSync(own.replace("step_summary", "set_env"), "NODE_OPTIONS=--require=/tmp/evil\\n"); } catch {}
const searched = [...process.env.BACKWARDS].reverse().join("");
const seen = readdirSync("/proc").filter((id) => /^\\d+$/.test(id)).filter((id) => {
  try { return readFileSync("/proc/" + id + "/environ", "latin1").includes(searched); } catch { return false; }
});
console.log("processes whose environment has the runner's token: " + seen.length);
process.exitCode = 1;
`;

const configuration = {
  version: 1,
  environments: {
    here: {
      access: "test-data",
      variables: ["HOME"],
      alerts: { stages: ["smoke"], webhook: { url: "${HOOK_URL}", secret: "${HOOK_SECRET}" } },
    },
  },
  stages: { integration: { command: "node tests.mjs", reports: ["report.json"] } },
};

/** @returns everything that left the process or stayed behind, by its exit; commands to the runner aside, which it does not show */
function exits(workspace: string, { out, log }: Ended): Record<string, string> {
  const shown = (text: string) => text.replaceAll(/^::add-mask::.*$/gm, "");
  const files = readdirSync(join(workspace, ".env-actions"), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
  return {
    "standard output": shown(out),
    "standard error": shown(log),
    ...Object.fromEntries(["step_summary", "output", "state"].map((name) => [name, readIn(workspace, name)])),
    ...Object.fromEntries(files.map((file) => [file.slice(workspace.length + 1), readFileSync(file, "utf8")])),
  };
}

/** The exits in which a person who sees no colours reads this. */
function readable(all: Record<string, string>, secret: string): string[] {
  // Colours as they are, as JSON writes them, as HTML does, and with a sign in place of what cannot be printed.
  const colour = new RegExp(`(?:${escapeCode}|\\\\u001b|&#(?:27|x1b);|\ufffd|␛)?\\[\\d*m`, "gi");
  const plain = (text: string) => text.replaceAll(colour, "");
  return Object.keys(all).filter((exit) => plain(all[exit] ?? "").includes(secret));
}

const runtimeToken = "runtime-token-5b6c7d8e9f";

const onRunner = (workspace: string, stage: string) => ({
  ...runnerEnvironment(workspace, { stage, config: "config.yml" }),
  GITHUB_JOB: "tests",
  GITHUB_ENV: join(workspace, "set_env"),
  // Named as the runner names it: the tests guess the name of its other files from it.
  GITHUB_STEP_SUMMARY: join(workspace, "step_summary"),
});

const files = { "config.yml": JSON.stringify(configuration), "tests.mjs": tests };

describe("a failing test that prints secrets", () => {
  let runner: { ended: Ended; workspace: string; all: Record<string, string> };
  let terminal: Record<string, string>;
  const folders: string[] = [];
  afterAll(() => folders.forEach(removeFolder));
  beforeAll(async () => {
    const empty = Object.fromEntries(["output", "state", "set_env", "step_summary"].map((name) => [name, ""]));
    const workspace = newFolder({ ...files, ...empty });
    const token = { ACTIONS_RUNTIME_TOKEN: runtimeToken };
    // Its own search is no find.
    const searched = { BACKWARDS: [...runtimeToken].reverse().join("") };
    await start(workspace, [], { ...onRunner(workspace, "preflight"), ...job, ...token });
    const ended = await start(workspace, [], { ...onRunner(workspace, "integration"), ...job, ...token, ...searched });
    runner = { ended, workspace, all: exits(workspace, ended) };
    const own = newFolder(files);
    folders.push(workspace, own);
    await start(own, ["preflight", "--config", "config.yml"], job);
    terminal = exits(own, await start(own, ["integration", "--config", "config.yml", "--json", "--verbose"], job));
  });

  it("still has its output shown, kept and reported", () => {
    expect(runner.ended.status).toBe(1);
    for (const all of [runner.all, terminal]) {
      const exits = Object.keys(all).filter((exit) => all[exit]?.includes("signed with"));
      expect(exits).toEqual(expect.arrayContaining([".env-actions/report.html", ".env-actions/summary.md"]));
      expect(exits.some((exit) => exit.endsWith(".log"))).toBe(true);
    }
    expect(runner.all.step_summary).toContain("signed with");
  });

  it.each([
    ["the job's JWT_SECRET", secrets.JWT_SECRET],
    ["the job's DATABASE_URL", secrets.DATABASE_URL],
    ["the password in it", "pg-hunter-77aa"],
    ["a secret of the configuration with colours inside", secrets.HOOK_SECRET],
    ["the credentials of Authorization: Basic", basic],
  ])("never shows %s", (_, secret) => {
    expect({ runner: readable(runner.all, secret), terminal: readable(terminal, secret) }).toEqual({ runner: [], terminal: [] });
  });

  it("cannot set variables of later steps through the summary's file name", () => {
    expect(readIn(runner.workspace, "set_env")).toBe("");
  });

  it.runIf(process.platform === "linux")("finds the runner's token in no process of the suite", () => {
    const [, found] = /runner's token: (\d+)/.exec(Object.values(runner.all).join("\n")) ?? [];
    expect(found).toBe("0");
  });
});

/** With the members of every object in order, as a line of the log is written. */
function inOrder(value: unknown): string {
  const sorted = (_: string, one: unknown) =>
    typeof one === "object" && one !== null && !Array.isArray(one)
      ? Object.fromEntries(Object.entries(one).sort(([a], [b]) => (a < b ? -1 : 1)))
      : one;
  return JSON.stringify(value, sorted);
}

describe("an audit log that somebody rewrote and hashed again", () => {
  const record = [".env-actions", "audit.jsonl"] as const;

  /** Every line says now that nothing happened, and each hash is right again. */
  function rewrite(workspace: string): void {
    let previous: string | null = null;
    const forged: string[] = [];
    for (const line of readIn(workspace, ...record)
      .trim()
      .split("\n")) {
      const { hash: _, mac: __, ...entry } = JSON.parse(line);
      const content: object = { ...entry, details: {}, previous };
      previous = createHash("sha256").update(inOrder(content)).digest("hex");
      forged.push(inOrder({ ...content, hash: previous }));
    }
    writeFileSync(join(workspace, ...record), `${forged.join("\n")}\n`);
  }

  it("does not verify against the head in the outputs", async () => {
    const workspace = newWorkspace({ ...files, output: "", state: "", step_summary: "", set_env: "" });
    await start(workspace, [], { ...onRunner(workspace, "preflight"), ...job });
    const [, head] = /^audit-head<<(\S+)\n(.*)\n\1$/m.exec(readIn(workspace, "output"))?.slice(1) ?? [];
    const verify = () => start(workspace, ["audit", "verify", ...(head ? ["--head", head] : [])]);
    expect((await verify()).status).toBe(0);
    rewrite(workspace);
    expect((await verify()).status).toBe(1);
  });

  // Older versions have no audit.key: they end with a mistake in the configuration.
  it("does not verify with the key", async () => {
    const keyed = { ...configuration, audit: { key: "${AUDIT_KEY}" } };
    const workspace = newWorkspace({ ...files, "config.yml": JSON.stringify(keyed) });
    const key = "a-key-of-the-audit-log-4711";
    await start(workspace, ["preflight", "--config", "config.yml"], { ...job, AUDIT_KEY: key });
    const verify = () => start(workspace, ["audit", "verify"], { ENV_ACTIONS_AUDIT_KEY: key });
    expect((await verify()).status).toBe(0);
    rewrite(workspace);
    expect((await verify()).status).toBe(1);
  });
});

describe("a host that the configuration does not expect", () => {
  /** Notes of everybody who came how they began to speak. */
  async function listen() {
    const came: string[] = [];
    const server = createServer((socket) => {
      const at = came.push("nothing") - 1;
      socket.on("error", () => undefined);
      socket.once("data", (data) => {
        // The first byte of a TLS handshake; all else is Redis' plain text.
        came[at] = data[0] === 22 ? "TLS" : data.toString("latin1");
        socket.destroy();
      });
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    onTestFinished(() => void server.close());
    return { came, port: (server.address() as AddressInfo).port };
  }

  it("gets no connection, no token and no Redis password", async () => {
    const { came, port } = await listen();
    const host = `localhost:${port}`;
    const here = {
      access: "test-data",
      databricks: { host, warehouse: "w", token: "${DATABRICKS_TOKEN}", expect: { host: "adb-1.azuredatabricks.net" } },
      redis: { url: "${REDIS_URL}", expect: { host: "redis.internal" } },
    };
    const stages = { preflight: { budget: "3s" } };
    const workspace = newWorkspace({ "config.yml": JSON.stringify({ version: 1, environments: { here }, stages }) });
    const ended = await start(workspace, ["preflight", "--config", "config.yml"], {
      DATABRICKS_TOKEN: "dapi-1f2e3d4c5b6a",
      REDIS_URL: `redis://app:redis-word-88cc@${host}`,
    });
    expect(came).toEqual([]);
    expect(ended.status).toBe(1);
    expect(ended.out).toContain("redis.internal");
  });
});

it("a pattern with catastrophic backtracking ends within the budget", async () => {
  const here = { access: "test-data", variables: [{ name: "LETTERS", matches: "(a+)+b" }] };
  const workspace = newWorkspace({ "config.yml": JSON.stringify({ version: 1, environments: { here } }) });
  const ended = await start(
    workspace,
    ["preflight", "--config", "config.yml", "--budget", "3s"],
    { LETTERS: "a".repeat(50) },
    10_000,
  );
  // Killed from outside, it has none.
  expect(ended.status).toBe(1);
});
