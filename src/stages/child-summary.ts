import { rm } from "node:fs/promises";
import { join } from "node:path";
import { NotAPlainFile, readPlain, writeOwn } from "../lib/plain-file.ts";
import type { StageContext } from "./context.ts";

/**
 * Servers and tests get a job summary of their own. The runner's file lies in one folder with those that change later steps
 * (GITHUB_ENV, GITHUB_PATH, GITHUB_OUTPUT), under the same random name: who knows one of them knows all.
 */
type Place = Pick<StageContext, "records" | "stage" | "runId">;

export function childSummaryFile({ records, stage, runId }: Place): string {
  return join(records, "summaries", `${stage}-${runId}.md`);
}

/** Tools that write a summary want the file to be there. */
export async function prepareChildSummary(place: Place): Promise<void> {
  await writeOwn(childSummaryFile(place), "");
}

/** More than is shown. */
const mostBytes = 64 * 1024;

/** What servers and tests wrote into it; the file is gone afterwards. A link in its place has no content. */
export async function takeChildSummary(place: Place): Promise<string> {
  const file = childSummaryFile(place);
  try {
    const bytes = await readPlain(file, { root: place.records }, mostBytes);
    const text = bytes.toString("utf8");
    // The sign says that it was cut, perhaps in the middle of a letter or of a secret.
    return bytes.length < mostBytes ? text : `${text.replace(/\ufffd$/, "")}…`;
  } catch (error) {
    if (error instanceof NotAPlainFile || (error as NodeJS.ErrnoException).code === "ENOENT") return "";
    throw error;
  } finally {
    await rm(file, { force: true, recursive: true });
  }
}
