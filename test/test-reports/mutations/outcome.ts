import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestResults } from "../../../src/model/test-results.ts";
import { readResults } from "../../../src/test-reports/read.ts";
import { UnreadableReport } from "../../../src/test-reports/reported.ts";
import type { Rule } from "./operators.ts";

/** What a report says, as far as the rules need it. */
export interface Outcome {
  /** Identities of the tests, with all statuses that occur. */
  statuses: Map<string, Set<string>>;
  total: number;
  passed: number;
  crashed: number;
  /** Failed tests, tests of which nobody knows how they ended, and crashed suites. */
  trouble: number;
}

/** Reads one report after the other from the same file. */
export class Desk implements AsyncDisposable {
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  static async open(): Promise<Desk> {
    return new Desk(await mkdtemp(join(tmpdir(), "mutations-")));
  }

  /** @returns `refused` if it is not read to its end @throws any other error, which is a bug */
  async read(bytes: Uint8Array, byName: boolean): Promise<Outcome | "refused"> {
    await writeFile(join(this.#folder, "report"), bytes);
    const statuses = new Map<string, Set<string>>();
    let results: TestResults;
    try {
      results = await readResults({
        cwd: this.#folder,
        reports: ["report"],
        startedAt: 0,
        onTest({ file, project, name, status }) {
          // The place of a test of Go or TAP comes from its output.
          const where = byName ? "" : file;
          const identity = `${project ?? ""}\t${where ?? ""}\t${name}`;
          const seen = statuses.get(identity);
          if (seen) seen.add(status);
          else statuses.set(identity, new Set([status]));
        },
      });
    } catch (error) {
      if (error instanceof UnreadableReport) return "refused";
      throw error;
    }
    const { total, failed, passed, flaky, unknown, crashedSuites } = results;
    if (results.unreadable) return "refused";
    return {
      statuses,
      total,
      passed: passed + flaky,
      crashed: crashedSuites.length,
      trouble: failed + unknown + crashedSuites.length,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true });
  }
}

const failed = (statuses: ReadonlySet<string> | undefined) => statuses?.has("failed") || statuses?.has("unknown") || false;

/** @returns what is wrong with the outcome of a damaged report; `undefined` if nothing is */
export function complaint(rule: Rule, before: Outcome, after: Outcome | "refused"): string | undefined {
  if (after === "refused" || rule === "anything") return undefined;
  if (before.trouble > 0 && after.trouble === 0) return `no problem is left of ${before.trouble}`;
  if (rule === "cut") {
    const lost = after.total > 0 && after.total < before.total;
    return before.trouble === 0 && after.trouble === 0 && lost
      ? `${after.total} tests of ${before.total}, and no problem`
      : undefined;
  }
  // That tests are missing is said as a crashed suite.
  const missing = after.crashed > before.crashed;
  if (rule === "other names")
    return after.trouble < before.trouble && !missing ? `${after.trouble} problems of ${before.trouble} are left` : undefined;
  if (rule === "fewer passed" && after.passed > before.passed)
    return `${after.passed} tests passed, before only ${before.passed}`;
  return changed(before, after, missing);
}

/** @returns a test that failed before, and does not any more */
function changed(before: Outcome, after: Outcome, missing: boolean): string | undefined {
  for (const [identity, statuses] of before.statuses) {
    // Attempts of a test that passed in the end are no failure.
    if (!failed(statuses) || statuses.size > 1) continue;
    const now = after.statuses.get(identity);
    if (now === undefined && missing) continue;
    if (!failed(now))
      return `${identity.replaceAll("\t", " ").trim()} failed before, and is ${now ? [...now].join(" and ") : "gone"}`;
  }
  return undefined;
}
