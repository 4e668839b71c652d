import { lstat, opendir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { readZip, writeZip } from "../../../github/zip.ts";
import { readPlain, writeOwn } from "../../../lib/plain-file.ts";
import type { Evidence } from "../../../model/report.ts";
import { parseEvidence } from "../../evidence.ts";
import { type Entry, type EvidenceCarrier, evidenceFile } from "../carrier.ts";
import { removeOld } from "./age.ts";
import { beginningOf, entryNamed, isContentOf, nameOf } from "./names.ts";

export interface EvidenceFolder {
  /** Absolute. It must exist: a folder that is made where a share is not mounted would be seen by this machine only. */
  folder: string;
  place: RunPlace;
  maxAgeMs: number;
}

/** Whose entries are read and written: two servers that share a folder may number their runs alike. */
export interface RunPlace {
  server: string;
  repository: string;
  run: string;
}

/** A run has an entry for each execution of a stage. */
const mostEntries = 5_000;
const largestEntry = 64 * 1024 * 1024;

/**
 * A folder that all jobs reach: of a self-hosted runner, or a network share. Whoever may write there can make, replace and remove
 * evidence: only the forms of damage that show are refused.
 */
export function folderCarrier({ folder: configured, place, maxAgeMs }: EvidenceFolder): EvidenceCarrier {
  const folder = resolve(configured);
  const ofRepository = join(folder, place.server, ...place.repository.split("/"));
  const ofRun = join(ofRepository, place.run);
  return {
    code: "EA8007",
    words: {
      entries: `the entries of this workflow run in the evidence folder ${folder}`,
      list: `the evidence folder ${folder}`,
      entry: "entry",
      kept: `written to the evidence folder ${folder}`,
    },
    async list() {
      await requireFolder(folder);
      return (await namesIn(ofRun)).flatMap((name): Entry[] => {
        const found = entryNamed(name);
        const problem = found?.isRight ? undefined : "env-actions gives no entry such a name";
        return found ? [{ name, stage: found.stage, ...(problem && { problem }) }] : [];
      });
    },
    async read(name) {
      const path = join(ofRun, name);
      const { size } = await lstat(path);
      if (size > largestEntry) throw new Error(`it has more than ${largestEntry / 1024 / 1024} MiB`);
      const content = await readPlain(path, { root: folder });
      if (!isContentOf(name, content)) throw new Error("it is not what was kept: its SHA-256 differs");
      const files = readZip(content);
      const evidence = parseEvidence(files.find((file) => file.name === evidenceFile)?.content.toString("utf8") ?? "null");
      if (!name.startsWith(beginningOf(evidence)) || !isOfRun(evidence, place))
        throw new Error("its evidence is of another run, job or stage than its place says");
      return files;
    },
    async keep(evidence, files) {
      await requireFolder(folder);
      const content = writeZip(files);
      await writeOwn(join(ofRun, nameOf(evidence, content)), content, { root: folder, sync: true });
      return await removeOld(ofRepository, { except: place.run, maxAgeMs });
    },
    isOf: (name, evidence) => name.startsWith(beginningOf(evidence)),
  };
}

/** @throws Error that says what to do */
async function requireFolder(folder: string): Promise<void> {
  const found = await lstat(folder).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  });
  if (!found?.isDirectory())
    throw new Error(
      found ? "it is a link, or not a folder" : "it does not exist on this machine: create it, or mount the share that holds it",
    );
}

/** @throws Error if there are more than any run leaves, or a part of the path is no folder */
async function namesIn(directory: string): Promise<string[]> {
  const names: string[] = [];
  try {
    if (!(await lstat(directory)).isDirectory()) throw new Error("it is a link, or not a folder");
    for await (const { name } of await opendir(directory)) {
      names.push(name);
      if (names.length > mostEntries) throw new Error(`there are more than ${mostEntries} files`);
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
  return names.sort();
}

function isOfRun({ origin }: Evidence, { repository, run }: RunPlace): boolean {
  return origin.repository === repository && origin.workflowRun === run;
}
