import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { chooseCarrier } from "../../src/evidence/carriers/choose.ts";
import { beginningOf, nameOf } from "../../src/evidence/carriers/folder/names.ts";
import { evidenceStore } from "../../src/evidence/store.ts";
import { writeZip } from "../../src/github/zip.ts";
import type { Evidence, Origin, StageName } from "../../src/model/report.ts";
import { folderForEachTest } from "../harness/folder.ts";

// Evidence that travels by a folder of a self-hosted runner: what reaches another job, and what must not be believed of the folder.

const folder = folderForEachTest();
const server = { GITHUB_ACTIONS: "true", GITHUB_SERVER_URL: "https://git.school.edu", GITHUB_REPOSITORY: "classwaves/app" };
const hour = 3_600_000;
const origin: Origin = { kind: "github", repository: "classwaves/app", workflowRun: "77", job: "tests", attempt: "1" };
let ids = 0;

const share = () => join(folder.path, "share");
const ofRun = (run = "77") => join(share(), "git.school.edu", "classwaves", "app", run);

/** As another job sees it: each has a workspace of its own. */
async function job({
  env = {},
  maxAgeMs = 4 * hour,
  made = true,
}: {
  env?: Record<string, string>;
  maxAgeMs?: number;
  made?: boolean;
} = {}) {
  if (made) mkdirSync(share(), { recursive: true });
  const { carrier, cutOff } = await chooseCarrier({
    store: { folder: share() },
    maxAgeMs,
    env: { ...server, GITHUB_RUN_ID: "77", ...env },
    artifacts: undefined,
  });
  return evidenceStore(join(folder.path, `workspace-${ids++}`, ".env-actions", "evidence"), carrier, cutOff);
}

function left(more: Partial<Omit<Evidence, "origin">> & { origin?: Partial<Origin> } = {}): {
  evidence: Evidence;
  report: string;
} {
  const { stage = "integration", verdict = "passed", origin: of = {}, ...rest } = more;
  const runId = rest.runId ?? `1763920000000_${String(ids++).padStart(8, "0")}`;
  const report = JSON.stringify({ stage, verdict, runId });
  const evidence: Evidence = {
    schemaVersion: 1,
    stage,
    verdict,
    environment: "sandbox",
    runId,
    commit: { sha: "a".repeat(40) },
    finishedAt: new Date().toISOString(),
    reportDigest: createHash("sha256").update(report).digest("hex"),
    ...rest,
    origin: { ...origin, ...of },
  };
  return { evidence, report };
}

async function keep({ evidence, report }: ReturnType<typeof left>, by?: Parameters<typeof job>[0]): Promise<string> {
  const store = await job(by);
  expect(await store.keep(evidence, [{ name: `${evidence.stage}.json`, content: report }])).toEqual([]);
  const name = readdirSync(ofRun(by?.env?.GITHUB_RUN_ID)).find((one) => one.startsWith(beginningOf(evidence)));
  return name ?? "";
}

const find = async (stage: StageName = "integration", by?: Parameters<typeof job>[0]) => (await job(by)).find(stage);

test("another job of the run finds it, and no other run, repository or server does", async () => {
  const one = left();
  await keep(one);
  expect(await find()).toEqual({ evidence: [one.evidence], problems: [], unread: [] });
  expect(await find("e2e")).toEqual({ evidence: [], problems: [], unread: [] });
  const others: Record<string, string>[] = [
    { GITHUB_RUN_ID: "78" },
    { GITHUB_REPOSITORY: "classwaves/other" },
    { GITHUB_SERVER_URL: "https://github.com" },
    { GITHUB_SERVER_URL: "https://git.school.edu:8443" },
  ];
  for (const env of others) expect(await find("integration", { env })).toEqual({ evidence: [], problems: [], unread: [] });
});

test("each attempt, job, cell, step, environment and project has an entry, and none replaces another", async () => {
  const runId = "1763920000000_11111111";
  const all = [
    left({ runId }),
    left({ runId, origin: { attempt: "2" } }),
    left({ runId, origin: { job: "other" } }),
    left({ runId, origin: { cell: "shard=1" } }),
    left({ runId, origin: { cell: "shard=2" } }),
    left({ runId, environment: "staging" }),
    left({ runId, project: "a/env-actions.yml" }),
    left({ runId, project: "b/env-actions.yml" }),
    left(),
    // The post step of a stage that was cut short writes its evidence again.
    left({ runId, verdict: "error" }),
  ];
  for (const one of all) await keep(one);
  expect(readdirSync(ofRun())).toHaveLength(all.length);
  const found = await find();
  expect(found.problems).toEqual([]);
  expect(found.evidence).toHaveLength(all.length);
});

test("a hundred jobs that end at once, and read meanwhile, see whole entries only", async () => {
  const all = Array.from({ length: 100 }, (_, at) => left({ origin: { cell: `shard=${at}` } }));
  const reads: Promise<Awaited<ReturnType<typeof find>>>[] = [];
  await Promise.all(
    all.map(async (one) => {
      await keep(one);
      reads.push(find());
    }),
  );
  for (const read of await Promise.all(reads)) expect(read).toMatchObject({ problems: [], unread: [] });
  expect((await find()).evidence).toHaveLength(100);
  expect(readdirSync(ofRun()).filter((name) => !name.endsWith(".zip"))).toEqual([]);
});

const fifo = (path: string) => execFileSync("mkfifo", [path]);

/** Puts an archive where our own code would have put it. */
function forge(one: ReturnType<typeof left>, more: { name?: (right: string) => string; report?: string } = {}): string {
  const { stage } = one.evidence;
  const content = writeZip([
    { name: "evidence.json", content: Buffer.from(JSON.stringify(one.evidence)) },
    { name: `${stage}.json`, content: Buffer.from(more.report ?? one.report) },
  ]);
  const right = nameOf(one.evidence, content);
  const name = more.name?.(right) ?? right;
  mkdirSync(ofRun(), { recursive: true });
  writeFileSync(join(ofRun(), name), content);
  return name;
}

/** Each does something to the folder after a pass of one cell, and gives the name that can't be read then. */
const damages: [what: string, damage: (path: string) => string | Promise<string>, why: RegExp][] = [
  [
    "a file that was cut",
    (path) => {
      truncateSync(path, 100);
      return "";
    },
    /its SHA-256 differs/,
  ],
  [
    "a byte that was changed",
    (path) => {
      const content = readFileSync(path);
      content[60] = (content[60] ?? 0) ^ 1;
      writeFileSync(path, content);
      return "";
    },
    /its SHA-256 differs/,
  ],
  [
    "a link to the entry",
    (path) => {
      renameSync(path, join(folder.path, "elsewhere.zip"));
      symlinkSync(join(folder.path, "elsewhere.zip"), path);
      return "";
    },
    /is a link, and links are not followed/,
  ],
  [
    "a hard link to the entry",
    (path) => {
      linkSync(path, join(folder.path, "second.zip"));
      return "";
    },
    /is a hard link/,
  ],
  [
    "a folder in its place",
    (path) => {
      rmSync(path);
      mkdirSync(path);
      return "";
    },
    /is not a regular file/,
  ],
  [
    "a named pipe in its place",
    (path) => {
      rmSync(path);
      fifo(path);
      return "";
    },
    /is not a regular file/,
  ],
  [
    "a copy under the name of another cell",
    (path) => {
      const name = nameOf(left({ origin: { cell: "shard=2" } }).evidence, readFileSync(path));
      copyFileSync(path, join(dirname(path), name));
      return name;
    },
    /of another run, job or stage/,
  ],
  [
    "a name of its own making",
    (path) => {
      copyFileSync(path, join(dirname(path), "integration-passed.zip"));
      return "integration-passed.zip";
    },
    /gives no entry such a name/,
  ],
  [
    "a name with a line break and a command",
    (path) => {
      const name = "integration-\n::error::.zip";
      copyFileSync(path, join(dirname(path), name));
      return name;
    },
    /gives no entry such a name/,
  ],
  ["evidence of another repository", () => forge(left({ origin: { repository: "evil/app" } })), /of another run, job or stage/],
  ["evidence of another run", () => forge(left({ origin: { workflowRun: "76" } })), /of another run, job or stage/],
  ["a pass with the report of a failure", () => forge(left(), { report: '{"verdict":"failed"}' }), /its SHA-256 differs/],
  [
    "evidence of a stage under the name of another",
    () => forge(left({ stage: "preflight" }), { name: (right) => right.replace("preflight", "integration") }),
    /of another run, job or stage/,
  ],
  [
    "an archive without evidence",
    (path) => {
      const content = writeZip([{ name: "x", content: Buffer.from("y") }]);
      const name = nameOf(left().evidence, content);
      writeFileSync(join(dirname(path), name), content);
      return name;
    },
    /expected evidence of this version/,
  ],
];

test.each(damages)("refuses %s: the result is unknown", async (_, damage, why) => {
  const name = await keep(left({ origin: { cell: "shard=1" } }));
  const bad = (await damage(join(ofRun(), name))) || name;
  const found = await find();
  expect(found.unread).toEqual([bad]);
  expect(found.problems).toEqual([expect.stringMatching(why)]);
  expect(found.problems[0]).toMatch(/^EA8005: the evidence in entry /);
  // A good entry beside it still counts; that it is not enough, the stage and the gate know from `unread`.
  expect(found.evidence).toHaveLength(bad === name ? 0 : 1);
});

test("a file that is no entry, and a draft of a job that ended while it wrote, are left alone", async () => {
  const one = left();
  const name = await keep(one);
  for (const other of ["README", `${name}.0b0a6a52-2f0f-4d1e-9f3c-0a0b0c0d0e0f`, ".nfs000001", "my-integration-x.zip"])
    writeFileSync(join(ofRun(), other), "x");
  expect(await find()).toEqual({ evidence: [one.evidence], problems: [], unread: [] });
});

test.each<[what: string, prepare: () => void, why: RegExp]>([
  ["does not exist", () => rmSync(share(), { recursive: true }), /does not exist on this machine: create it, or mount/],
  [
    "is a link",
    () => {
      renameSync(share(), join(folder.path, "real"));
      symlinkSync(join(folder.path, "real"), share());
    },
    /it is a link/,
  ],
  [
    "has a link in place of the run's folder",
    () => {
      renameSync(ofRun(), join(folder.path, "real"));
      symlinkSync(join(folder.path, "real"), ofRun());
    },
    /it is a link/,
  ],
  [
    "has more files than a run leaves",
    () => {
      for (let at = 0; at <= 5_000; at++) writeFileSync(join(ofRun(), `x${at}`), "");
    },
    /there are more than 5000 files/,
  ],
])("a folder that %s is an error, never an empty one", async (_, prepare, why) => {
  await keep(left());
  prepare();
  const found = await find("integration", { made: false });
  expect(found).toMatchObject({ evidence: [], unread: [`the evidence folder ${share()}`] });
  expect(found.problems).toEqual([expect.stringMatching(/^EA8007: /)]);
  expect(found.problems[0]).toMatch(why);
});

test("a stage that can't keep its evidence says so, and makes no folder where a share is not mounted", async () => {
  const { evidence, report } = left();
  const kept = await (await job({ made: false })).keep(evidence, [{ name: "integration.json", content: report }]);
  expect(kept).toEqual([
    expect.stringMatching(/^EA8007: the evidence could not be written .* later jobs will not find it: .*mount/),
  ]);
  expect(existsSync(share())).toBe(false);
});

function age(path: string, ms: number): void {
  const then = (Date.now() - ms) / 1000;
  utimesSync(path, then, then);
}

test("what is too old goes when a stage ends: entries alone, of this repository alone, and never of the own run", async () => {
  const old = await keep(left({ origin: { workflowRun: "70" } }), { env: { GITHUB_RUN_ID: "70" } });
  const young = await keep(left({ origin: { workflowRun: "71" } }), { env: { GITHUB_RUN_ID: "71" } });
  const strangers = join(ofRun("70"), "notes.txt");
  const own = await keep(left());
  const other = { GITHUB_REPOSITORY: "classwaves/other", GITHUB_RUN_ID: "60" };
  const elsewhere = join(share(), "git.school.edu", "classwaves", "other", "60");
  await (await job({ env: other })).keep(left({ origin: { repository: "classwaves/other", workflowRun: "60" } }).evidence, []);
  writeFileSync(strangers, "");
  const outside = join(folder.path, "outside");
  mkdirSync(outside);
  writeFileSync(join(outside, old), "");
  symlinkSync(outside, ofRun("69"));
  for (const path of [join(ofRun("70"), old), strangers, join(ofRun(), own), join(outside, old)]) age(path, 25 * hour);
  for (const name of readdirSync(elsewhere)) age(join(elsewhere, name), 25 * hour);
  age(join(ofRun("71"), young), 23 * hour);

  // Not even with a shorter maxAge: another branch's configuration doesn't decide about the evidence of this one.
  await keep(left(), { maxAgeMs: 1 });
  expect(readdirSync(ofRun("70"))).toEqual(["notes.txt"]);
  expect(readdirSync(ofRun("71"))).toEqual([young]);
  expect(readdirSync(ofRun())).toContain(own);
  expect(readdirSync(elsewhere)).toHaveLength(1);
  expect(readdirSync(outside)).toEqual([old]);

  rmSync(strangers);
  age(ofRun("70"), 49 * hour);
  await keep(left(), { maxAgeMs: 48 * hour });
  expect(existsSync(ofRun("70"))).toBe(false);
});

test("sixty old runs go in portions of fifty", async () => {
  for (let run = 1; run <= 60; run++) {
    mkdirSync(ofRun(String(run)), { recursive: true });
    age(ofRun(String(run)), 25 * hour);
  }
  await keep(left());
  expect(readdirSync(dirname(ofRun())).sort()).toEqual([...Array.from({ length: 10 }, (_, at) => String(51 + at)), "77"]);
  await keep(left());
  expect(readdirSync(dirname(ofRun()))).toEqual(["77"]);
});

test.each<[string, Record<string, string>, RegExp]>([
  [
    "GitHub Enterprise Server",
    {},
    /^git\.school\.edu is a GitHub Enterprise Server, which has no artifact service of version 4: run the stages/,
  ],
  ["Gitea", { GITEA_ACTIONS: "true" }, /^git\.school\.edu is a Gitea or Forgejo server/],
  ["act", { GITHUB_SERVER_URL: "https://github.com", ACT: "true" }, /--artifact-server-path/],
  [
    "a `run:` step on github.com",
    { GITHUB_SERVER_URL: "https://github.com" },
    /gives it to actions \(`uses:`\), and not to `run:` steps/,
  ],
])("without artifacts and a folder, the cause is known: %s", async (_, env, why) => {
  const found = await chooseCarrier({ store: "artifacts", maxAgeMs: 1, env: { ...server, ...env }, artifacts: undefined });
  expect(found.carrier).toBeUndefined();
  expect(found.cutOff).toMatch(why);
  expect(found.cutOff).toMatch(/name a folder that all jobs reach in `evidence\.store`$/);
});

test("a terminal has no other jobs", async () => {
  expect(await chooseCarrier({ store: { folder: "/x" }, maxAgeMs: 1, env: {}, artifacts: undefined })).toEqual({});
});

test.each([
  { GITHUB_REPOSITORY: "../x" },
  { GITHUB_REPOSITORY: "a/.." },
  { GITHUB_REPOSITORY: "a/b/c" },
  { GITHUB_REPOSITORY: "a\\b/c" },
  { GITHUB_RUN_ID: ".." },
  { GITHUB_RUN_ID: "" },
  { GITHUB_SERVER_URL: "x" },
  { GITHUB_SERVER_URL: "http://[::1]" },
])("a run that would name a folder elsewhere is refused: %o", async (env) => {
  const found = await chooseCarrier({
    store: { folder: share() },
    maxAgeMs: 1,
    env: { ...server, GITHUB_RUN_ID: "77", ...env },
    artifacts: undefined,
  });
  expect(found).toEqual({ cutOff: expect.stringMatching(/don't name a workflow run/) });
});
