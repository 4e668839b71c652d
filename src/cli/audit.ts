import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { AuditVerifier, parseHead } from "../audit/chain.ts";
import { AuditFaults } from "../audit/faults.ts";
import { auditFile } from "../audit/log.ts";
import { type LogLine, LogReader } from "../audit/read.ts";
import { jsonOf, listJson, runJson, runLines } from "../audit/report-text.ts";
import { AuditRuns, runOf } from "../audit/runs.ts";
import { count } from "../lib/count.ts";
import { nearest, suggestion } from "../lib/nearest.ts";
import { NotAPlainFile, openOwn, readOwn, recordsDirectory } from "../lib/plain-file.ts";
import type { AuditHead } from "../model/report.ts";
import { UserError } from "../model/user-error.ts";
import { logLine } from "../report/inert.ts";
import { headText } from "../report/words.ts";

const file = `.env-actions/${auditFile}`;
const faultsShown = 10;

/** Where an audit command prints: text for people, or JSON for programs. */
export interface AuditOutput {
  json: boolean;
  /** Writes whole lines. @returns false if the reader has closed its end */
  write(text: string): Promise<boolean>;
}

export interface VerifyOptions {
  /** Heads that were stored elsewhere. */
  heads?: readonly string[];
  /** The key of the HMACs. */
  key?: string | undefined;
}

/**
 * Verifies the hash chain of the audit log.
 * @returns whether it is intact
 * @throws UserError if there is no log
 */
export async function auditVerify(workspace: string, output: AuditOutput, options: VerifyOptions = {}): Promise<boolean> {
  const anchors = await anchorsOf(workspace, options.heads ?? []);
  return await withLog(workspace, async (log) => {
    const verified = verifiedLog(log, anchors, options.key, () => undefined);
    await print(output, output.json ? verifiedJson(verified, "") : lineByLine(verifiedLines(verified)));
    return isRight(verified);
  });
}

/**
 * Reports who made and deleted what, and when, according to the log, and whether the log can be trusted.
 * @param run the run's id; every run if omitted
 * @returns whether the chain is intact
 * @throws UserError if there is no log, or if the run is not in it
 */
export async function auditReport(
  workspace: string,
  run: string | undefined,
  output: AuditOutput,
  options: VerifyOptions = {},
): Promise<boolean> {
  const anchors = await anchorsOf(workspace, options.heads ?? []);
  return await withLog(workspace, async (log) => {
    const runs = new AuditRuns(run);
    const verified = verifiedLog(log, anchors, options.key, (verifier, line) => runs.take(verifier, line));
    if (run !== undefined && runs.size === 0)
      throw new UserError("EA8002", `${file} has no run "${run}"; ${otherRuns(log, run)}`);
    await print(output, output.json ? reportJson(verified, runs, log) : lineByLine(reportLines(verified, runs, log)));
    return isRight(verified);
  });
}

async function withLog<Result>(workspace: string, work: (log: LogReader) => Promise<Result>): Promise<Result> {
  const handle = await openOwn(join(workspace, file)).catch((error: NodeJS.ErrnoException) => {
    if (error instanceof NotAPlainFile) throw new UserError(error.code, error.message, { cause: error });
    if (error.code !== "ENOENT") throw error;
    throw new UserError(
      "EA8001",
      `the file ${file} does not exist here: run a stage first, or change to the folder in which it ran`,
    );
  });
  try {
    return await work(new LogReader(handle.fd));
  } finally {
    await handle.close();
  }
}

/** The most characters that are printed at once. */
const printedAtOnce = 16_384;

/** Prints pieces of text in whole lines, so that a secret is never cut in two. */
async function print({ write }: AuditOutput, pieces: Iterable<string>): Promise<void> {
  let waiting = "";
  for (const piece of pieces) {
    waiting += piece;
    if (waiting.length < printedAtOnce) continue;
    const end = waiting.lastIndexOf("\n") + 1;
    if (end === 0) continue;
    if (!(await write(waiting.slice(0, end)))) return;
    waiting = waiting.slice(end);
  }
  await write(`${waiting}\n`);
}

/** Ids, reasons and file names come from tests or from anybody who could change the log, so lines are made safe to print. */
function* lineByLine(lines: Iterable<string>): Generator<string, void, void> {
  let isFirst = true;
  for (const line of lines) {
    yield isFirst ? logLine(line) : `\n${logLine(line)}`;
    isFirst = false;
  }
}

function* reportLines(verified: VerifiedLog, runs: AuditRuns, log: LogReader): Generator<string, void, void> {
  yield* verifiedLines(verified);
  for (const run of runs.runs(log)) {
    yield "";
    yield* runLines(run);
  }
}

/** As `JSON.stringify` writes it with two spaces. */
function* reportJson(verified: VerifiedLog, runs: AuditRuns, log: LogReader): Generator<string, void, void> {
  yield '{\n  "log": ';
  yield* verifiedJson(verified, "  ");
  yield ',\n  "runs": ';
  let isEmpty = true;
  for (const run of runs.runs(log)) {
    yield `${isEmpty ? "[" : ","}\n    `;
    yield* runJson(run, "    ");
    isEmpty = false;
  }
  yield isEmpty ? "[]\n}" : "\n  ]\n}";
}

/** Names at most so many runs. */
const runsNamed = 20;

/** Reads the log once more, because it is needed for a mistake only. */
function otherRuns(log: LogReader, written: string): string {
  const verifier = new AuditVerifier();
  const names = new Set<string>();
  let best: string | undefined;
  let last: string | undefined;
  for (const { bytes, from, to, ended } of log.lines()) {
    verifier.take(bytes, from, to, ended);
    if (!verifier.isValid) continue;
    const name = runOf(verifier.line);
    if (name === last) continue;
    last = name;
    if (names.size <= runsNamed) names.add(name);
    best = nearest(written, best === undefined ? [name] : [best, name]);
  }
  if (best !== undefined || names.size <= runsNamed) return suggestion(written, best === undefined ? [...names] : [best]);
  return `${suggestion(written, [...names].slice(0, runsNamed))}, and more`;
}

interface VerifiedLog {
  file: string;
  lines: number;
  /** The hash of the last valid line. */
  lastHash: string | undefined;
  faults: AuditFaults;
  anchors: Anchor[];
  /** The number of lines with an HMAC, and whether a key was available to check them. */
  keyed: { lines: number; from: number | undefined; checked: boolean };
}

function isRight({ faults, anchors, keyed }: VerifiedLog): boolean {
  // With a key but no HMAC in the log, nothing is proven: somebody may have removed the HMACs from all lines.
  return faults.length === 0 && anchors.every(({ found }) => found) && !(keyed.checked && keyed.lines === 0);
}

/** @param onValid for each line that is valid by itself, even if it is in the wrong place */
function verifiedLog(
  log: LogReader,
  anchors: readonly (Anchor & { hash: string })[],
  key: string | undefined,
  onValid: (verifier: AuditVerifier, line: LogLine) => void,
): VerifiedLog {
  const wanted = Map.groupBy(anchors, ({ hash }) => hash);
  const verifier = new AuditVerifier(key);
  const faults = new AuditFaults();
  for (const line of log.lines()) {
    const fault = verifier.take(line.bytes, line.from, line.to, line.ended);
    if (fault) faults.add(verifier.lines, fault);
    if (!verifier.isValid) continue;
    onValid(verifier, line);
    if (wanted.size > 0) for (const anchor of wanted.get(verifier.line.hash) ?? []) anchor.found = true;
  }
  return {
    ...{ file, lines: verifier.lines, lastHash: verifier.lastHash, faults },
    anchors: anchors.map(({ from, head, found }) => ({ from, head, found })),
    keyed: { lines: verifier.keyedLines, from: verifier.firstKeyed, checked: key !== undefined },
  };
}

/** @param margin of its lines, but not of the first */
function* verifiedJson({ faults, ...log }: VerifiedLog, margin: string): Generator<string, void, void> {
  const { anchors, keyed, ...first } = log;
  const inside = `${margin}  `;
  yield "{";
  for (const [name, value] of Object.entries(first))
    if (value !== undefined) yield `\n${inside}${JSON.stringify(name)}: ${jsonOf(value, inside)},`;
  yield `\n${inside}"faults": `;
  yield* listJson(faults, inside);
  for (const [name, value] of Object.entries({ anchors, keyed }))
    yield `,\n${inside}${JSON.stringify(name)}: ${jsonOf(value, inside)}`;
  yield `\n${margin}}`;
}

function verifiedLines(log: VerifiedLog): string[] {
  const { lines, faults } = log;
  const proofs = [keyLine(log), ...anchorLines(log)];
  if (faults.length === 0) return [`${file}: ${count(lines, "line")}, the chain of hashes is intact`, ...proofs];
  const shown = faults
    .first(faultsShown)
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
      `the log contains the heads that ${count(beside, "report or evidence file", "reports and evidence files")} in the same folder ${beside === 1 ? "names" : "name"}; anyone who changed the log could have changed those as well`,
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
