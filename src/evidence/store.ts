import { createHash } from "node:crypto";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import type { ArtifactService } from "../github/artifacts.ts";
import { errorText } from "../lib/error-text.ts";
import { inParallel } from "../lib/in-parallel.ts";
import { NotAPlainFile, readOwn, writeOwn } from "../lib/plain-file.ts";
import { CodedError } from "../model/coded-error.ts";
import type { ErrorCode } from "../model/error-codes/catalogue.ts";
import { type Evidence, type StageName, type StageReport, stageNames } from "../model/report.ts";
import { parseEvidence } from "./evidence.ts";

/** Keeps evidence in files, for stages in the same job or terminal, and in artifacts of the workflow run, for its other jobs. */
export interface EvidenceStore {
  /**
   * All evidence of a stage, newest first. `problems`: what could not be read. `unread`: existing artifacts of this workflow run
   * that cannot be read, so that the result of their job or cell is unknown.
   */
  find(stage: StageName): Promise<{ evidence: Evidence[]; problems: string[]; unread: string[] }>;
  /** @returns what could not be stored; a later job would miss it */
  keep(evidence: Evidence, files: { name: string; content: string }[]): Promise<string[]>;
}

/** A run may have thousands of artifacts, and each takes three requests. */
const readAtOnce = 8;
const retentionDays = 30;
const evidenceFile = "evidence.json";

/** Reads the evidence of a workflow run from its artifacts alone, for a job that belongs to another run. */
export async function evidenceInArtifacts(
  artifacts: Readable,
  stage: StageName,
): Promise<{ evidence: Evidence[]; problems: string[] }> {
  return await fromArtifacts(artifacts, readerOf(artifacts), stage);
}

export function evidenceStore(directory: string, artifacts: ArtifactService | undefined): EvidenceStore {
  const read = artifacts && readerOf(artifacts);
  return {
    async find(stage) {
      const files = await fromFiles(directory, stage);
      const found = [
        files,
        artifacts && read ? await fromArtifacts(artifacts, read, stage) : { evidence: [], problems: [], unread: [] },
      ];
      const evidence = found
        .flatMap((source) => source.evidence)
        .sort((a, b) => Date.parse(b.finishedAt) - Date.parse(a.finishedAt));
      const known = new Set(files.evidence.map(artifactName));
      return {
        evidence,
        problems: found.flatMap((source) => source.problems),
        // If an earlier step of this job left the same evidence in a file, it is known anyway.
        unread: found.flatMap((source) => source.unread).filter((name) => !known.has(name)),
      };
    },
    async keep(evidence, files) {
      const text = `${JSON.stringify(evidence, undefined, 2)}\n`;
      await writeOwn(join(directory, `${evidence.stage}-${evidence.environment}-${evidence.runId}.json`), text);
      if (!artifacts) return [];
      const name = artifactName(evidence);
      const contents = [{ name: evidenceFile, content: text }, ...files].map((file) => ({
        name: file.name,
        content: Buffer.from(file.content),
      }));
      try {
        await artifacts.upload(name, contents, retentionDays);
        return [];
      } catch (error) {
        return [
          problem(
            "EA9009",
            `the evidence could not be uploaded as an artifact, so later jobs will not find it: ${errorText(error)}`,
          ),
        ];
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

async function fromArtifacts(artifacts: Readable, read: Reader, stage: StageName): Promise<Found> {
  const found: Found = { evidence: [], problems: [], unread: [] };
  let listed: Listed[];
  try {
    listed = await artifacts.list();
  } catch (error) {
    const unlisted = problem("EA9009", `the artifacts of this workflow run could not be listed: ${errorText(error)}`);
    // Other jobs and cells keep their evidence there, and one of them may have failed.
    return { evidence: [], problems: [unlisted], unread: ["the list of this workflow run's artifacts"] };
  }
  const ofStage = listed.filter(({ name }) => name.startsWith(artifactPrefix(stage)));
  const named = onceForEach((job: string) =>
    executionsNamed(
      read,
      listed.filter((one) => one.job === job),
    ),
  );
  const results = await inParallel(readAtOnce, ofStage, async ({ name, job, replaced }) => {
    try {
      if (replaced) throw new Error("it replaced another one of this name, which env-actions never does");
      const evidence = await read(name, stage);
      if (job !== undefined) refuseTwoNames(await named(job), evidence);
      return { evidence, name };
    } catch (error) {
      // One broken artifact must not hide the good ones.
      return { name, problem: problem("EA8005", `the evidence in artifact ${name} cannot be read: ${errorText(error)}`) };
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

type Readable = Pick<ArtifactService, "list" | "download">;
type Listed = Awaited<ReturnType<ArtifactService["list"]>>[number];
type Reader = (name: string, stage: StageName) => Promise<Evidence>;

/** Reads each artifact once, though the others of its job are compared with it. */
function readerOf(artifacts: Readable): Reader {
  return onceForEach((name: string, stage: StageName) => evidenceIn(artifacts, name, stage));
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

/** @throws Error if the artifact has no evidence, or not the report that the evidence names */
async function evidenceIn(artifacts: Readable, name: string, stage: StageName): Promise<Evidence> {
  const files = await artifacts.download(name);
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
async function executionsNamed(read: Reader, ofOneJob: readonly Listed[]): Promise<ReadonlyMap<string, string>> {
  const evidence = ofOneJob.flatMap(({ name }) => {
    const stage = stageNames.find((one) => name.startsWith(artifactPrefix(one)));
    return stage ? [{ name, stage }] : [];
  });
  const named = await inParallel(readAtOnce, evidence, async ({ name, stage }): Promise<[string, string][]> => {
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

function artifactName({ stage, environment, origin, runId }: Evidence): string {
  return `${artifactPrefix(stage)}${environment}-${origin.attempt ?? "1"}-${runId}`;
}

function artifactPrefix(stage: StageName): string {
  return `env-actions-${stage}-`;
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
