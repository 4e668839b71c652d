/** One kind of error, as its entry in docs/reference/errors.md describes it. */
export interface ErrorEntry {
  /** The heading of the entry: a few words. */
  title: string;
  /** What happened, and the usual cause. */
  meaning: string;
  /** How to fix it. */
  fix: string;
}
