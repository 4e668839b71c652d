import { CodedError } from "../../model/coded-error.ts";
import type { ErrorCode } from "../../model/error-codes/catalogue.ts";
import type { HistoryRecord } from "../../model/history.ts";
import type { StageName } from "../../model/report.ts";

/** Where records are kept: in a folder, on a branch of the repository, or in the artifacts of its workflow runs. */
export interface HistoryStore {
  /** For messages: `the branch env-actions-history of classwaves/app`, `the folder /mnt/history`. */
  place: string;
  /**
   * Adds a record, whole or not at all. Adding the same one again changes nothing.
   * @throws HistoryFailure if it may be missing
   */
  add(record: HistoryRecord): Promise<void>;
  /**
   * Adds many at once, which costs less. Absent if it wouldn't.
   * @returns how many were not there
   * @throws HistoryFailure if any may be missing
   */
  addAll?(records: readonly HistoryRecord[]): Promise<number>;
  /**
   * The newest records of a stage in an environment, oldest first.
   * @throws HistoryFailure
   */
  recent(of: HistorySubject, most: number): Promise<FoundRecords>;
  /**
   * Every record, oldest first.
   * @throws HistoryFailure
   */
  all(): Promise<FoundRecords>;
  /**
   * Claims a key, once and for all: of all that ever ask, one gets `claimed`. Absent if the place can't promise that.
   * @throws HistoryFailure if it is unknown whether it was claimed
   */
  claim?(key: string, claim: Claim): Promise<{ claimed: true } | { claimed: false; by: Claim }>;
  /**
   * Joins records into monthly files, and removes those that are older. Absent if the place removes them itself.
   * @throws HistoryFailure; nothing is lost then
   */
  compact?(rules: CompactionRules): Promise<Compaction>;
}

export interface HistorySubject {
  environment: string;
  stage: StageName;
}

export interface FoundRecords {
  records: HistoryRecord[];
  /** Files that are no records. Whoever shows the history says so, because their runs are missing. */
  unreadable: UnreadableRecord[];
}

export interface UnreadableRecord {
  name: string;
  why: string;
  /** Nothing of ours is damaged: they are older than what is looked at, or somebody else's. */
  isOther?: true;
}

export interface Claim {
  runId: string;
  /** ISO 8601. */
  at: string;
  what: string;
}

/** Records of so many days stay as they are, with the samples that later runs are compared with. */
export const joinAfterMs = 30 * 86_400_000;

export interface CompactionRules {
  now: number;
  /** Records of whole days that ended before this time are joined. */
  joinBefore: number;
  /** Months that ended before this time are removed. */
  removeBefore: number;
}

export interface Compaction {
  joined: number;
  removed: number;
}

/** The history could not be read or written. It never changes a verdict. */
export class HistoryFailure extends CodedError {
  override name = "HistoryFailure";
  constructor(code: ErrorCode, message: string, cause?: unknown) {
    super(code, message, cause === undefined ? {} : { cause });
  }
}
