import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { type AuditEntry, type AuditFault, AuditVerifier, parseHead } from "../audit/chain.ts";
import { auditFile, auditLines } from "../audit/log.ts";
import { AuditReporter, runLines } from "../audit/report.ts";
import { count } from "../lib/count.ts";
import { suggestion } from "../lib/nearest.ts";
import { NotAPlainFile, readOwn, recordsDirectory } from "../lib/plain-file.ts";
import type { AuditHead } from "../model/report.ts";
import { UserError } from "../model/user-error.ts";
import { logLine } from "../report/inert.ts";
import { headText } from "../report/words.ts";

const file = `.env-actions/${auditFile}`;
const faultsShown = 10;

/** The result of an audit command, for people and for programs. */
export interface AuditAnswer {
  /** Whether the hash chain is intact. */
  ok: boolean;
  text: string;
  json: unknown;
}

/**
 * Verifies the hash chain of the audit log.
 * @throws UserError if there is no log
 */
export async function auditVerify(workspace: string, options: VerifyOptions = {}): Promise<AuditAnswer> {
  const verified = await readLog(workspace, options, () => undefined);
  // File names beside the log may come from anybody, so they are made safe to print.
  return { ok: isRight(verified), text: verifiedLines(verified).map(logLine).join("\n"), json: verified };
}

export interface VerifyOptions {
  /** Heads that were stored elsewhere. */
  heads?: readonly string[];
  /** The key of the HMACs. */
  key?: string | undefined;
}

/**
 * Reports who made and deleted what, and when, according to the log, and whether the log can be trusted.
 * @param run the run's id; every run if omitted
 * @throws UserError if there is no log, or if the run is not in it
 */
export async function auditReport(workspace: string, run: string | undefined, options: VerifyOptions = {}): Promise<AuditAnswer> {
  const reporter = new AuditReporter(run);
  const others = new Set<string>();
  const verified = await readLog(workspace, options, (entry) => {
    reporter.take(entry);
    others.add(String(entry.run));
  });
  const { runs } = reporter;
  if (run !== undefined && runs.length === 0)
    throw new UserError("EA8002", `${file} has no run "${run}"; ${suggestion(run, [...others])}`);
  const lines = runs.flatMap((one) => ["", ...runLines(one)]);
  // Ids and reasons come from tests, and anybody may have changed the log, so lines are made safe to print.
  const text = [...verifiedLines(verified), ...lines].map(logLine).join("\n");
  return { ok: isRight(verified), text, json: { log: verified, runs } };
}

interface VerifiedLog {
  file: string;
  lines: number;
  /** The hash of the last valid line. */
  lastHash: string | undefined;
  faults: AuditFault[];
  anchors: Anchor[];
  /** The number of lines with an HMAC, and whether a key was available to check them. */
  keyed: { lines: number; from: number | undefined; checked: boolean };
}

function isRight({ faults, anchors, keyed }: VerifiedLog): boolean {
  // With a key but no HMAC in the log, nothing is proven: somebody may have removed the HMACs from all lines.
  return faults.length === 0 && anchors.every(({ found }) => found) && !(keyed.checked && keyed.lines === 0);
}

async function readLog(
  workspace: string,
  { heads = [], key }: VerifyOptions,
  onEntry: (entry: AuditEntry) => void,
): Promise<VerifiedLog> {
  const anchors = await anchorsOf(workspace, heads);
  const wanted = Map.groupBy(anchors, ({ hash }) => hash);
  const verifier = new AuditVerifier(key);
  const faults: AuditFault[] = [];
  try {
    for await (const { text, ended } of auditLines(join(workspace, file))) {
      const { entry, fault, hash } = verifier.take(text, ended);
      if (entry) onEntry(entry);
      if (fault) faults.push(fault);
      for (const anchor of wanted.get(hash ?? "") ?? []) anchor.found = true;
    }
  } catch (error) {
    if (error instanceof NotAPlainFile) throw new UserError(error.code, error.message, { cause: error });
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    throw new UserError(
      "EA8001",
      `the file ${file} does not exist here: run a stage first, or change to the folder in which it ran`,
    );
  }
  return {
    ...{ file, lines: verifier.lines, lastHash: verifier.lastHash, faults },
    anchors: anchors.map(({ from, head, found }) => ({ from, head, found })),
    keyed: { lines: verifier.keyedLines, from: verifier.firstKeyed, checked: key !== undefined },
  };
}

function verifiedLines(log: VerifiedLog): string[] {
  const { lines, faults } = log;
  const proofs = [keyLine(log), ...anchorLines(log)];
  if (faults.length === 0) return [`${file}: ${count(lines, "line")}, the chain of hashes is intact`, ...proofs];
  const shown = faults
    .slice(0, faultsShown)
    .map(
      ({ line, why, torn }) =>
        `${file}:${line} ${why}${torn ? "" : ": this line or a line before it was changed, added or removed"}`,
    );
  if (faults.length > faultsShown) shown.push(`… and ${faults.length - faultsShown} more of ${count(lines, "line")}`);
  return [...shown, ...proofs];
}

/** Says what the HMACs prove. */
function keyLine({ lines, keyed: { lines: keyed, from, checked } }: VerifiedLog): string {
  const rest =
    from !== undefined && from > 1
      ? `; the ${count(from - 1, "line")} before line ${from} ${from > 2 ? "have" : "has"} none`
      : "";
  if (keyed === 0)
    return checked
      ? "keyed: no line carries an HMAC, so the key in ENV_ACTIONS_AUDIT_KEY proves nothing: set audit.key in the configuration, or find out who removed the HMACs"
      : "not keyed: no line carries an HMAC, so anyone who can write to the file can replace all of it; audit.key in the configuration prevents that";
  if (!checked) return `keyed: ${keyed} of ${count(lines, "line")} carry an HMAC that was not checked: set ENV_ACTIONS_AUDIT_KEY`;
  return `keyed: ${keyed} of ${count(lines, "line")} carry an HMAC, checked with the key in ENV_ACTIONS_AUDIT_KEY${rest}`;
}

/** Says what the heads stored elsewhere prove. */
function anchorLines({ anchors }: VerifiedLog): string[] {
  const missing = anchors.filter(({ found }) => !found);
  const lines = missing.map(
    ({ from, head }) =>
      `the log has no line ${head}, which ${from} names as its last line: the end of the log was cut off, or the log was replaced`,
  );
  const found = anchors.filter((anchor) => anchor.found);
  const given = found.filter(({ from }) => from === "--head");
  if (given.length > 0)
    lines.push(
      `anchored: the log has ${given.map(({ head }) => head).join(", ")}, so nothing up to that line was changed or removed`,
    );
  const beside = found.length - given.length;
  if (beside > 0)
    lines.push(
      `the log has the heads of ${count(beside, "report or evidence file", "reports and evidence files")} in the same folder; anyone who changed the log could have changed those as well`,
    );
  // Users who gave a missing head with `--head` have already seen what that means.
  if (!anchors.some(({ from }) => from === "--head"))
    lines.push(
      "not anchored: a log whose end was cut off, or that was replaced, could look the same; compare it with a head from the job's summary: --head N:HASH",
    );
  return lines;
}

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
