import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { parseHead } from "../audit/chain.ts";
import { readOwn, recordsDirectory } from "../lib/plain-file.ts";
import type { AuditHead } from "../model/report.ts";
import { UserError } from "../model/user-error.ts";
import { headText } from "../report/words.ts";

/** A head of the log that was stored outside the log. */
export interface Anchor {
  /** The source: `--head`, or a file. */
  from: string;
  head: string;
  /** Whether the log still contains that line. */
  found: boolean;
}

/** @throws UserError for an invalid head */
export async function anchorsOf(workspace: string, given: readonly string[]): Promise<(Anchor & { hash: string })[]> {
  const named = given.map((written) => {
    const head = parseHead(written);
    if (!head)
      throw new UserError(
        "EA8003",
        `--head: expected a head as in the output \`audit-head\`, 42:<64 hex digits>, got "${written}"`,
      );
    return { from: "--head", head: written, hash: head.hash, found: false };
  });
  const folders = await Promise.all(["reports", "evidence"].map((folder) => inFolder(workspace, folder)));
  return [...named, ...folders.flat()];
}

async function inFolder(workspace: string, folder: string): Promise<(Anchor & { hash: string })[]> {
  const directory = join(workspace, recordsDirectory, folder);
  const names = await readdir(directory).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw error;
  });
  const heads = names
    .filter((name) => name.endsWith(".json"))
    .map(async (name) => {
      const head = headIn((await readOwn(join(directory, name))).toString("utf8"));
      return head ? [{ from: `${recordsDirectory}/${folder}/${name}`, head: headText(head), hash: head.hash, found: false }] : [];
    });
  return (await Promise.all(heads)).flat();
}

/** The head in a report or evidence. Those of earlier versions have none, and neither have other files. */
function headIn(text: string): AuditHead | undefined {
  try {
    const { auditHead } = JSON.parse(text) as { auditHead?: { sequence?: unknown; hash?: unknown } };
    const { sequence, hash } = auditHead ?? {};
    return typeof sequence === "number" && typeof hash === "string" ? { sequence, hash } : undefined;
  } catch {
    return undefined;
  }
}
