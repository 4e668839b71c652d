import type { ZipFile } from "../../github/zip.ts";
import type { ErrorCode } from "../../model/error-codes/catalogue.ts";
import type { Evidence, StageName } from "../../model/report.ts";

/**
 * Carries evidence from job to job of one workflow run. An entry is what one execution of a stage left: {@link evidenceFile}, and the
 * report that it is about.
 */
export interface EvidenceCarrier {
  /** Of a failure to list or to keep. */
  code: ErrorCode;
  /** For messages: `the artifacts of this workflow run`, `the list of them`, `artifact`, `uploaded as an artifact`. */
  words: { entries: string; list: string; entry: string; kept: string };
  /**
   * The entries of all stages. `job`: the place's own id for the execution of a job that left it, if it knows. `problem`: why an entry
   * can't be one of ours.
   * @throws Error if they can't be listed
   */
  list(): Promise<Entry[]>;
  /** @throws Error if the entry is missing, or not what was kept */
  read(name: string): Promise<ZipFile[]>;
  /**
   * @returns what else could not be done
   * @throws Error if the entry may be missing
   */
  keep(evidence: Evidence, files: readonly ZipFile[]): Promise<string[]>;
  /** Whether the entry of this name is about this evidence. */
  isOf(name: string, evidence: Evidence): boolean;
}

/** What is read of a carrier. */
export type EvidenceSource = Pick<EvidenceCarrier, "code" | "words" | "list" | "read">;

export interface Entry {
  name: string;
  stage: StageName;
  job?: string;
  problem?: string;
}

export const evidenceFile = "evidence.json";
