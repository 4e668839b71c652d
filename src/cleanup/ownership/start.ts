/**
 * What stood in the environment before the tests began. It is proof of age: a row that was not in the table's version at the start, or
 * a key that Redis did not have, was made after the run began.
 */
export interface StartState {
  /** Unix milliseconds by the runner's clock, taken before anything was read. */
  takenAt: number;
  /** `schema.table` → the table's Delta version at the start; absent where it could not be read. */
  versions: ReadonlyMap<string, number>;
  /** The same with the time of the version, Unix milliseconds: a table that was made anew has another time at the same version. */
  moments?: ReadonlyMap<string, { version: number; at: number | undefined }>;
  /** Whether Redis had this key (`latin1`, as `redis.scan` returns keys); `undefined` where nobody looked. */
  hadKey(key: string): boolean | undefined;
}
