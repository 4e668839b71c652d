import { mkdir, mkdtemp, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { uploadAttachments, uploadLogs, uploadRecords } from "../../src/evidence/store.ts";
import type { ArtifactService } from "../../src/github/artifacts.ts";
import { readZip, writeZip } from "../../src/github/zip.ts";
import type { StageReport } from "../../src/model/report.ts";
import { flakyE2e } from "../report/sample.ts";

/** Tests what is passed to the service, through a real archive. The service's own protocol is tested in artifacts.test.ts. */

interface Uploaded {
  name: string;
  files: Record<string, string>;
}

function service(uploads: Uploaded[]): ArtifactService {
  return {
    upload: async (name, files) => {
      const read = readZip(writeZip(files)).map((file) => [file.name, file.content.toString()]);
      uploads.push({ name, files: Object.fromEntries(read) });
    },
    list: () => Promise.resolve([]),
    download: () => Promise.reject(new Error("nothing is downloaded here")),
  };
}

const folder = ".env-actions/attachments/e2e-1763917800000_9f3c1a7e/test-results/a-signs-in-chrome";

function report() {
  const attachments = [
    { file: `${folder}/shot.png`, bytes: 4 },
    { file: "test-results/video.webm", bytes: 9e9, leftOut: "over the limit of 50 MiB" },
  ];
  return { ...flakyE2e(), attachments };
}

async function workspace(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "attachments-"));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

test("kept files are uploaded without their local paths, separate from the evidence", async () => {
  const directory = await workspace();
  await mkdir(join(directory, folder), { recursive: true });
  await writeFile(join(directory, folder, "shot.png"), "shot");
  const uploads: Uploaded[] = [];
  expect(await uploadAttachments(service(uploads), report(), directory)).toEqual([]);
  expect(uploads).toEqual([
    {
      name: expect.stringMatching(/^env-actions-attachments-e2e-staging-1-\d{13}_[0-9a-f]{8}$/),
      files: { "test-results/a-signs-in-chrome/shot.png": "shot" },
    },
  ]);
});

test("nothing is uploaded if nothing was kept", async () => {
  const uploads: Uploaded[] = [];
  expect(await uploadAttachments(service(uploads), flakyE2e(), await workspace())).toEqual([]);
  expect(uploads).toEqual([]);
});

test("a missing file is reported, and stops nothing", async () => {
  expect(await uploadAttachments(service([]), report(), await workspace())).toEqual([
    expect.stringMatching(/could not be uploaded, and are only in .*: ENOENT/),
  ]);
});

const logs = ".env-actions/logs/1763917800000_9f3c1a7e";

function withLogs(verdict: StageReport["verdict"]): StageReport {
  const log = (name: string) => `${logs}/${name}.log`;
  const command = { command: "npm test", exitCode: 1, signal: null, timedOut: false, durationMs: 1, log: log("e2e-tests") };
  const servers = [
    { name: "backend", ended: "ended with exit code 7", log: log("e2e-backend") },
    { name: "frontend", ended: "not started: port 3001 is already taken" },
  ];
  return { ...flakyE2e(), verdict, servers, commands: [command] };
}

test.each(["failed", "error", "degraded"] as const)("the logs of a stage that is %s are uploaded in full", async (verdict) => {
  const directory = await workspace();
  await mkdir(join(directory, logs), { recursive: true });
  await writeFile(join(directory, logs, "e2e-backend.log"), "listening\nout of luck\n");
  await writeFile(join(directory, logs, "e2e-tests.log"), "1 failed\n");
  const uploads: Uploaded[] = [];
  expect(await uploadLogs(service(uploads), withLogs(verdict), directory)).toEqual([]);
  expect(uploads).toEqual([
    {
      name: expect.stringMatching(/^env-actions-logs-e2e-staging-1-\d{13}_[0-9a-f]{8}$/),
      files: { "e2e-backend.log": "listening\nout of luck\n", "e2e-tests.log": "1 failed\n" },
    },
  ]);
});

test("the logs of a passed stage are not uploaded", async () => {
  const uploads: Uploaded[] = [];
  expect(await uploadLogs(service(uploads), withLogs("passed"), await workspace())).toEqual([]);
  expect(uploads).toEqual([]);
});

test("the page and the audit log are uploaded under their own names, and a log that is too large is named", async () => {
  const directory = await workspace();
  const files = [".env-actions/report.html", ".env-actions/audit.jsonl"];
  await mkdir(join(directory, ".env-actions"));
  for (const file of files) await writeFile(join(directory, file), `content of ${file}`);
  const uploads: Uploaded[] = [];
  expect(await uploadRecords(service(uploads), flakyE2e(), directory, files)).toEqual([]);
  await truncate(join(directory, ".env-actions/audit.jsonl"), 33 * 1024 * 1024);
  expect(await uploadRecords(service(uploads), flakyE2e(), directory, files)).toEqual([
    ".env-actions/audit.jsonl was not uploaded: it has more than 32 MiB. Keep it yourself",
  ]);
  const name = expect.stringMatching(/^env-actions-page-e2e-staging-1-\d{13}_[0-9a-f]{8}$/);
  const page = { "report.html": "content of .env-actions/report.html" };
  expect(uploads).toEqual([
    { name, files: { ...page, "audit.jsonl": "content of .env-actions/audit.jsonl" } },
    { name, files: page },
  ]);
});
