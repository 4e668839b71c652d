import { globSync } from "node:fs";
import { copyFile, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import type { ErrorCode } from "../../src/model/error-codes/catalogue.ts";
import type { TestCase, TestResults } from "../../src/model/test-results.ts";
import { readResults } from "../../src/test-reports/read.ts";
import { UnreadableReport } from "../../src/test-reports/reported.ts";

export const fixtures = join(import.meta.dirname, "../fixtures/reports");

/** Every fixture, for tests of what holds for all reports. */
export const everyReport = globSync("*/*.{json,xml}", { cwd: fixtures }).sort();

export async function read(...reports: string[]): Promise<TestResults> {
  return whole(await readResults({ cwd: fixtures, reports, all: true, startedAt: 0 }));
}

/** A separate folder with the given files. */
export async function workspace(files: Record<string, string | Uint8Array>): Promise<{ cwd: string } & AsyncDisposable> {
  const cwd = await mkdtemp(join(tmpdir(), "results-"));
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(cwd, name)), { recursive: true });
    await writeFile(join(cwd, name), content);
  }
  return { cwd, [Symbol.asyncDispose]: () => rm(cwd, { recursive: true, force: true }) };
}

/** A report that is not among the fixtures. @throws UnreadableReport if it cannot be read to its end */
export async function readText(content: string | Uint8Array, onTest?: (test: TestCase) => void): Promise<TestResults> {
  return whole(await readAnyway(content, onTest));
}

/** Like {@link readText}, but what was read of a broken report is in the results. */
export async function readAnyway(content: string | Uint8Array, onTest?: (test: TestCase) => void): Promise<TestResults> {
  await using at = await workspace({ report: content });
  // Awaited, because the folder is removed when this function ends.
  return await readResults({ cwd: at.cwd, reports: ["report"], startedAt: 0, ...(onTest ? { onTest } : {}) });
}

/** @throws UnreadableReport for the first report that could not be read */
export function whole(results: TestResults): TestResults {
  const [first] = results.unreadable ?? [];
  if (!first) return results;
  throw Object.assign(new UnreadableReport(first.code as ErrorCode, first.file, "", first.position), { message: first.message });
}

export async function copyTo(cwd: string, report: string): Promise<void> {
  await copyFile(join(fixtures, report), join(cwd, basename(report)));
}

/** What must never get lost. */
export function trouble(results: TestResults): number {
  return results.failed + results.unknown + results.crashedSuites.length;
}
