import { createHash } from "node:crypto";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import type { ArtifactService } from "../github/artifacts.ts";
import { errorText } from "../lib/error-text.ts";
import { inParallel } from "../lib/in-parallel.ts";
import { NotAPlainFile, readOwn, writeOwn } from "../lib/plain-file.ts";
import { CodedError } from "../model/coded-error.ts";
import type { ErrorCode } from "../model/error-codes/catalogue.ts";
import type { Evidence, StageName, StageReport } from "../model/report.ts";
import { artifactSource, retentionDays } from "./carriers/artifacts.ts";
import { type Entry, type EvidenceCarrier, type EvidenceSource, evidenceFile } from "./carriers/carrier.ts";
import { parseEvidence } from "./evidence.ts";

/** Keeps evidence in files, for stages in the same job or terminal, and hands it to the other jobs of the workflow run. */
export interface EvidenceStore {
  /** Why evidence of other jobs can't be seen here, and what to do; undefined if it can, or if there are no other jobs. */
  cutOff: string | undefined;
  /**
   * All evidence of a stage, newest first. `problems`: what could not be read. `unread`: existing entries of this workflow run
   * that cannot be read, so that the result of their job or cell is unknown.
   */
  find(stage: StageName): Promise<{ evidence: Evidence[]; problems: string[]; unread: string[] }>;
  /** @returns what could not be stored; a later job would miss it */
  keep(evidence: Evidence, files: { name: string; content: string }[]): Promise<string[]>;
}

/** Below the folder of a store. */
export function evidenceFileName({ stage, environment, runId }: Pick<Evidence, "stage" | "environment" | "runId">): string {
  return `${stage}-${environment}-${runId}.json`;
}

/** A run may have thousands of entries, and each takes three requests. */
const readAtOnce = 8;

/** Reads the evidence of a workflow run from its artifacts alone, for a job that belongs to another run. */
export async function evidenceInArtifacts(
  artifacts: Parameters<typeof artifactSource>[0],
  stage: StageName,
): Promise<{ evidence: Evidence[]; problems: string[]; unread: string[] }> {
  const source = artifactSource(artifacts);
  return await fromCarrier(source, readerOf(source), stage);
}

/**
 * Keeps the evidence of a stage in a folder of the workspace, and with the carrier, and finds that of earlier stages in both.
 * @param carrier undefined: no other job can see the evidence; then `cutOff` says why, if there may be other jobs
 */
export function evidenceStore(directory: string, carrier: EvidenceCarrier | undefined, cutOff?: string): EvidenceStore {
  const read = carrier && readerOf(carrier);
  return {
    cutOff,
    async find(stage) {
      const files = await fromFiles(directory, stage);
      const carried = carrier && read ? await fromCarrier(carrier, read, stage) : { evidence: [], problems: [], unread: [] };
      const found = [files, carried];
      const evidence = found
        .flatMap((source) => source.evidence)
        .sort((a, b) => Date.parse(b.finishedAt) - Date.parse(a.finishedAt));
      return {
        evidence,
        problems: found.flatMap((source) => source.problems),
        // If an earlier step of this job left the same evidence in a file, it is known anyway.
        unread: carried.unread.filter((name) => !files.evidence.some((one) => carrier?.isOf(name, one))),
      };
    },
    async keep(evidence, files) {
      const text = `${JSON.stringify(evidence, undefined, 2)}\n`;
      await writeOwn(join(directory, evidenceFileName(evidence)), text);
      if (!carrier) return [];
      const contents = [{ name: evidenceFile, content: text }, ...files].map((file) => ({
        name: file.name,
        content: Buffer.from(file.content),
      }));
      try {
        return await carrier.keep(evidence, contents);
      } catch (error) {
        const lost = `the evidence could not be ${carrier.words.kept}, so later jobs will not find it: ${errorText(error)}`;
        return [problem(carrier.code, lost)];
      }
    },
  };
}

interface Found {
  evidence: Evidence[];
  problems: string[];
  unread: string[];
}

async function fromFiles(directory: string, stage: StageName): Promise<Found> {
  const found: Found = { evidence: [], problems: [], unread: [] };
  for (const name of await namesIn(directory)) {
    if (!name.startsWith(`${stage}-`) || !name.endsWith(".json")) continue;
    try {
      const evidence = parseEvidence((await readOwn(join(directory, name))).toString("utf8"));
      if (evidence.stage !== stage) throw new Error(`it is of ${evidence.stage}`);
      found.evidence.push(evidence);
    } catch (error) {
      found.problems.push(problem("EA8005", `the evidence ${name} cannot be read: ${errorText(error)}`));
    }
  }
  return found;
}

async function namesIn(directory: string): Promise<string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}

async function fromCarrier(carrier: EvidenceSource, read: Reader, stage: StageName): Promise<Found> {
  const found: Found = { evidence: [], problems: [], unread: [] };
  let listed: Entry[];
  try {
    listed = await carrier.list();
  } catch (error) {
    const unlisted = problem(carrier.code, `${carrier.words.entries} could not be listed: ${errorText(error)}`);
    // Other jobs and cells keep their evidence there, and one of them may have failed.
    return { evidence: [], problems: [unlisted], unread: [carrier.words.list] };
  }
  const ofStage = listed.filter((one) => one.stage === stage);
  const named = onceForEach((job: string) =>
    executionsNamed(
      read,
      listed.filter((one) => one.job === job),
    ),
  );
  const results = await inParallel(readAtOnce, ofStage, async ({ name, job, problem: wrong }) => {
    try {
      if (wrong !== undefined) throw new Error(wrong);
      const evidence = await read(name, stage);
      if (job !== undefined) refuseTwoNames(await named(job), evidence);
      return { evidence, name };
    } catch (error) {
      // One broken entry must not hide the good ones.
      const unreadable = `the evidence in ${carrier.words.entry} ${name} cannot be read: ${errorText(error)}`;
      return { name, problem: problem("EA8005", unreadable) };
    }
  });
  for (const result of results) {
    if (result.evidence) found.evidence.push(result.evidence);
    else {
      found.unread.push(result.name);
      found.problems.push(result.problem ?? "");
    }
  }
  return found;
}

type Reader = (name: string, stage: StageName) => Promise<Evidence>;

/** Reads each entry once, though the others of its job are compared with it. */
function readerOf(carrier: EvidenceSource): Reader {
  return onceForEach((name: string, stage: StageName) => evidenceIn(carrier, name, stage));
}

/** Does the work once for each key. */
function onceForEach<Rest extends unknown[], Result>(
  work: (key: string, ...rest: Rest) => Promise<Result>,
): (key: string, ...rest: Rest) => Promise<Result> {
  const known = new Map<string, Promise<Result>>();
  return (key, ...rest) => {
    const doing = known.get(key) ?? work(key, ...rest);
    known.set(key, doing);
    return doing;
  };
}

/** @throws Error if the entry has no evidence, or not the report that the evidence names */
async function evidenceIn(carrier: EvidenceSource, name: string, stage: StageName): Promise<Evidence> {
  const files = await carrier.read(name);
  const file = files.find((entry) => entry.name === evidenceFile);
  if (!file) throw new Error(`it has no file ${evidenceFile}`);
  const evidence = parseEvidence(file.content.toString("utf8"));
  if (evidence.stage !== stage) throw new Error(`its evidence is of ${evidence.stage}`);
  const report = files.find((entry) => entry.name === `${stage}.json`);
  if (!report) throw new Error(`it has no file ${stage}.json, the report that it is about`);
  if (createHash("sha256").update(report.content).digest("hex") !== evidence.reportDigest)
    throw new Error(`${stage}.json is not the report that it is about: its SHA-256 differs`);
  const said = JSON.parse(report.content.toString("utf8")) as Partial<Evidence> | null;
  for (const member of ["verdict", "runId"] as const)
    if (said?.[member] !== undefined && said[member] !== evidence[member])
      throw new Error(`its evidence contradicts the report ${stage}.json: the two name another ${member}`);
  return evidence;
}

/**
 * The executions that the evidence of one execution of a job names, each with an artifact. The artifact service knows which execution
 * uploaded what, and an execution has one name, one cell and one attempt. So two are a forgery: a test of one job, for example, that
 * uploads passed evidence of the next one.
 */
async function executionsNamed(read: Reader, ofOneJob: readonly Entry[]): Promise<ReadonlyMap<string, string>> {
  const named = await inParallel(readAtOnce, ofOneJob, async ({ name, stage }): Promise<[string, string][]> => {
    // What cannot be read says nothing about the others, and counts as unread where its own stage is asked for.
    const one = await read(name, stage).catch(() => undefined);
    return one ? [[executionOf(one), name]] : [];
  });
  return new Map(named.flat());
}

/** @throws Error that names both */
function refuseTwoNames(named: ReadonlyMap<string, string>, evidence: Evidence): void {
  const own = executionOf(evidence);
  const other = [...named].find(([execution]) => execution !== own);
  if (other)
    throw new Error(
      `one execution of a job uploaded it and ${other[1]}, but they name two: ${own}, and ${other[0]}. One of them is forged`,
    );
}

function executionOf({ origin: { job, cell, attempt } }: Evidence): string {
  return [`job ${job ?? "unknown"}`, ...(cell ? [`cell ${cell}`] : []), `attempt ${attempt ?? "1"}`].join(", ");
}

function problem(code: ErrorCode, message: string): string {
  return errorText(new CodedError(code, message));
}

/** Long enough to investigate a failure, but no longer: traces contain what the tests sent and saw. */
const attachmentDays = 7;

/**
 * Uploads attachments of failed tests as a separate artifact, so that later jobs can read the evidence without loading them.
 * @param workspace absolute path, which the report's file names are relative to
 * @returns what could not be uploaded, as sentences
 */
export function uploadAttachments(artifacts: ArtifactService, report: StageReport, workspace: string): Promise<string[]> {
  const files = (report.attachments ?? []).filter((attachment) => attachment.leftOut === undefined).map(({ file }) => file);
  return upload(artifacts, report, workspace, { kind: "attachments", what: "the files of failed tests", files });
}

/**
 * Uploads the logs of servers and commands, of which the report has only the last lines. Not for stages that passed, because
 * those are not read. Parameters and result as for {@link uploadAttachments}.
 */
export function uploadLogs(artifacts: ArtifactService, report: StageReport, workspace: string): Promise<string[]> {
  const logs = report.verdict === "passed" ? [] : [...report.servers, ...report.commands].flatMap(({ log }) => log ?? []);
  return upload(artifacts, report, workspace, {
    kind: "logs",
    what: "the logs of servers and commands",
    files: [...new Set(logs)],
  });
}

/** Beyond this, a log has been kept for many runs, and is kept by whoever keeps it. */
const largestRecord = 32 * 1024 * 1024;

/**
 * Uploads what people read of a stage: the page and the audit log. A separate artifact, so that later jobs can read the evidence
 * without loading them. Parameters and result as for {@link uploadAttachments}.
 * @param files relative to the workspace
 */
export async function uploadRecords(
  artifacts: ArtifactService,
  report: StageReport,
  workspace: string,
  files: readonly string[],
): Promise<string[]> {
  const sizes = await Promise.all(files.map((file) => sizeOf(join(workspace, file))));
  const tooLarge = files.filter((_, index) => (sizes[index] ?? 0) > largestRecord);
  const problems = tooLarge.map(
    (file) => `${file} was not uploaded: it has more than ${largestRecord / 1024 / 1024} MiB. Keep it yourself`,
  );
  const rest = files.filter((file) => !tooLarge.includes(file));
  return [...problems, ...(await upload(artifacts, report, workspace, { kind: "page", what: rest.join(" and "), files: rest }))];
}

async function sizeOf(file: string): Promise<number> {
  try {
    return (await stat(file)).size;
  } catch {
    // Reading it says why it cannot be read.
    return 0;
  }
}

interface Bundle {
  /** In the artifact's name, and of attachments and logs their folder in `.env-actions`. */
  kind: "attachments" | "logs" | "page";
  /** For a message. */
  what: string;
  files: readonly string[];
}

async function upload(
  artifacts: ArtifactService,
  { stage, environment, origin, runId }: StageReport,
  workspace: string,
  { kind, what, files }: Bundle,
): Promise<string[]> {
  if (files.length === 0) return [];
  const name = `env-actions-${kind}-${stage}-${environment.name}-${origin.attempt ?? "1"}-${runId}`;
  try {
    const read = await Promise.all(files.map((file) => contentOf(workspace, file)));
    const contents = read.flatMap((one) => ("content" in one ? [one] : []));
    if (contents.length > 0) await artifacts.upload(name, contents, kind === "page" ? retentionDays : attachmentDays);
    return read.flatMap((one) => ("problem" in one ? [one.problem] : []));
  } catch (error) {
    const why = errorText(error);
    const folder = kind === "page" ? ".env-actions" : join(".env-actions", kind);
    return [`${what} could not be uploaded, and are only in ${folder}: ${why}`];
  }
}

/** A test may have replaced the file with something else; the others are still uploaded. */
async function contentOf(workspace: string, file: string): Promise<{ name: string; content: Buffer } | { problem: string }> {
  const name = file.replace(/^\.env-actions\/(?:(?:attachments\/[^/]+|logs(?:\/\d{13}_[0-9a-f]{8})?)\/)?/, "");
  try {
    return { name, content: await readOwn(join(workspace, file)) };
  } catch (error) {
    if (!(error instanceof NotAPlainFile)) throw error;
    return { problem: `${file} was not uploaded: ${error.message.replace(join(workspace, file), "it")}` };
  }
}
