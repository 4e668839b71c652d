import { type GitHub, gitHub } from "../../github/api.ts";
import type { ArtifactService } from "../../github/artifacts.ts";
import { repositoryOf } from "../../github/deployments.ts";
import { type ArtifactSource, type ListedArtifact, listedArtifacts } from "../../github/run-artifacts.ts";
import { errorText } from "../../lib/error-text.ts";
import type { HistoryRecord } from "../../model/history.ts";
import { mostRecordBytes } from "../record/bounded.ts";
import { nameOf, type RecordName, readRecordName, recordFileName } from "./layout.ts";
import { addTo, inOrder } from "./months.ts";
import { type FoundRecords, HistoryFailure, type HistoryStore } from "./store.ts";

/**
 * Each record is an artifact of the workflow run that made it: a job needs no permission to write it, and none to read it but
 * `actions: read`. GitHub deletes them in the end.
 */

export interface ArtifactsOptions {
  /** `owner/name` */
  repository: string;
  /** Of the running job; undefined where there is none: then nothing can be added. */
  service: ArtifactService | undefined;
  /** Why there is no service. */
  whyNone: string;
  /** Absent: then nothing can be read. */
  token: string | undefined;
  env: Readonly<Record<string, string | undefined>>;
  cancel?: AbortSignal | undefined;
  /** Milliseconds for which records are kept; as long as GitHub does if absent. */
  keepMs?: number | undefined;
}

const prefix = "env-actions-history-";
/** Pages of a hundred, of all artifacts of the repository. */
const mostPages = 10;
const mostRecords = 400;
const mostBytes = 2 * mostRecordBytes;
const atOnce = 10;
const dayMs = 86_400_000;

export function recordArtifact(record: HistoryRecord): string {
  return `${prefix}${recordFileName(nameOf(record)).replace(/\.json$/, "")}`;
}

/** @returns undefined for other artifacts */
export function readArtifactName(name: string): RecordName | undefined {
  return name.startsWith(prefix) ? readRecordName(`${name.slice(prefix.length)}.json`) : undefined;
}

export function artifactStore(options: ArtifactsOptions): HistoryStore {
  const place = `the artifacts of ${options.repository}`;
  const source = async (): Promise<ArtifactSource> => listedArtifacts(await connected(options), repositoryOf(options.repository));
  /** @throws HistoryFailure */
  const guarded = async <Result>(what: string, work: () => Promise<Result>): Promise<Result> => {
    try {
      return await work();
    } catch (error) {
      const code = error instanceof HistoryFailure ? error.code : "EA8107";
      throw new HistoryFailure(code, `${what} ${place}: ${errorText(error)}`, error);
    }
  };
  return {
    place,
    add: (record) => guarded("the history could not be written to", () => add(options, record)),
    recent: ({ environment, stage }, most) =>
      guarded("the history could not be read from", async () => {
        const wanted = ({ name }: Named) => name.environment === environment && name.stage === stage;
        return await read(await source(), wanted, Math.min(most, mostRecords));
      }),
    all: () => guarded("the history could not be read from", async () => await read(await source(), () => true, mostRecords)),
  };
}

async function connected({ token, env, cancel }: ArtifactsOptions): Promise<GitHub> {
  if (!token) throw new HistoryFailure("EA8102", "reading artifacts needs a token: pass the input github-token");
  return await gitHub(token, env, { ...(cancel && { cancel }) });
}

async function add({ service, whyNone, keepMs }: ArtifactsOptions, record: HistoryRecord): Promise<void> {
  if (!service) throw new HistoryFailure("EA8107", whyNone);
  const name = recordArtifact(record);
  const content = Buffer.from(`${JSON.stringify(record)}\n`);
  try {
    await service.upload(name, [{ name: "record.json", content }], keepMs && Math.ceil(keepMs / dayMs));
  } catch (error) {
    // It is there if it was added before, or if only the answer was lost.
    const there = await service.list().catch(() => []);
    if (!there.some((one) => one.name === name)) throw error;
  }
}

interface Named {
  artifact: ListedArtifact;
  name: RecordName;
  /** It is not the first of this name, which only somebody else would upload. */
  isRepeated: boolean;
}

async function read(source: ArtifactSource, holds: (named: Named) => boolean, most: number): Promise<FoundRecords> {
  const { artifacts, isWhole } = await source.list(mostPages);
  const named = namedRecords(artifacts).filter(holds);
  const found: FoundRecords = { records: [], unreadable: [] };
  // Some may be unreadable, and then older ones take their place.
  let next = 0;
  while (next < Math.min(named.length, mostRecords) && found.records.length < most) {
    const some = named.slice(next, Math.min(next + most - found.records.length, mostRecords));
    next += some.length;
    const { records, unreadable } = await readRecords(source, some);
    found.records.push(...records);
    found.unreadable.push(...unreadable);
  }
  found.records = inOrder(found.records);
  if (found.records.length >= most && most < mostRecords) return found;
  if (next < named.length)
    found.unreadable.push({
      ...{ name: `${named.length - next} older records`, why: `at most ${mostRecords} artifacts are read` },
      isOther: true,
    });
  if (!isWhole)
    found.unreadable.push({
      name: "older records",
      why: `only the newest ${mostPages * 100} artifacts of the repository are looked at`,
      isOther: true,
    });
  return found;
}

/** Records among artifacts, newest first. */
export function namedRecords(artifacts: readonly ListedArtifact[]): Named[] {
  const seen = new Set<string>();
  return artifacts
    .toSorted((a, b) => a.id - b.id)
    .flatMap((artifact) => {
      const name = readArtifactName(artifact.name);
      if (!name || artifact.expired) return [];
      const isRepeated = seen.has(artifact.name);
      seen.add(artifact.name);
      return [{ artifact, name, isRepeated }];
    })
    .sort((a, b) => (a.name.runId < b.name.runId ? 1 : -1));
}

export async function readRecords(source: Pick<ArtifactSource, "download">, named: readonly Named[]): Promise<FoundRecords> {
  const found: FoundRecords = { records: [], unreadable: [] };
  for (let start = 0; start < named.length; start += atOnce) {
    const some = named.slice(start, start + atOnce);
    const read = await Promise.all(some.map((one) => readOne(source, one)));
    for (const { records, unreadable } of read) {
      found.records.push(...records);
      found.unreadable.push(...unreadable);
    }
  }
  return { ...found, records: inOrder(found.records) };
}

async function readOne(source: Pick<ArtifactSource, "download">, { artifact, name, isRepeated }: Named): Promise<FoundRecords> {
  const found: FoundRecords = { records: [], unreadable: [] };
  const refuse = (why: string): FoundRecords => ({ records: [], unreadable: [{ name: artifact.name, why }] });
  const refuseOther = (why: string): FoundRecords => ({ records: [], unreadable: [{ name: artifact.name, why, isOther: true }] });
  // Anybody may open a pull request whose job uploads what it likes.
  if (artifact.isForeign) return refuseOther("a run of another repository's commit made it");
  if (isRepeated) return refuseOther("there is an older artifact of this name");
  const files = await source.download(artifact);
  if (files instanceof Error) return refuse(errorText(files));
  const [file, ...more] = files;
  if (file?.name !== "record.json" || more.length > 0) return refuse("expected one file, record.json");
  if (file.content.length > mostBytes) return refuse("it is larger than records are");
  addTo(found, artifact.name, file.content.toString("utf8"));
  for (const record of found.records) {
    if (record.runId !== name.runId || record.stage !== name.stage || record.environment.name !== name.environment)
      return refuseOther("the artifact's name is another record's");
    if (record.origin.workflowRun !== String(artifact.run)) return refuseOther("it says that another workflow run made it");
  }
  return found;
}
