import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { expect, test } from "vitest";
import { openOwn } from "../../src/lib/plain-file.ts";
import { folderForEachTest } from "../harness/folder.ts";

const folder = folderForEachTest();

/** Puts one new file after the other in the place of the last one, until it is ended. */
const replacing = `
  const { renameSync, writeFileSync } = require("node:fs");
  const { path } = require("node:worker_threads").workerData;
  for (;;) { writeFileSync(path + ".new", "x"); renameSync(path + ".new", path); }`;

test("a file that another process replaces while it is opened is no link", async () => {
  const records = join(folder.path, ".env-actions");
  mkdirSync(records);
  const path = join(records, "record.json");
  writeFileSync(path, "x");
  const worker = new Worker(replacing, { eval: true, workerData: { path } });
  try {
    let opened = 0;
    for (; opened < 3_000; opened++) await (await openOwn(path)).close();
    expect(opened).toBe(3_000);
  } finally {
    await worker.terminate();
  }
});
