/** One kind of mistake or failure: what a person reads on its entry of docs/reference/errors.md. */
export interface ErrorEntry {
  /** A few words: the heading of the entry. */
  title: string;
  /** What happened, and what usually causes it. */
  meaning: string;
  /** What to do about it. */
  fix: string;
}
