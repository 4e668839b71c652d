/**
 * The state of the environment before the tests. It proves age: a row that was not in the table's version at the start, or a key
 * that Redis didn't have, was created after the run began.
 */
export interface StartState {
  /** Unix milliseconds by the runner's clock, taken before anything was read. */
  takenAt: number;
  /** `schema.table` → the table's Delta version at the start; absent if it could not be read. */
  versions: ReadonlyMap<string, number>;
  /** The same with the version's time, Unix milliseconds. A recreated table has another time at the same version. */
  moments?: ReadonlyMap<string, { version: number; at: number | undefined }>;
  /** Whether Redis had this key (`latin1`, as `redis.scan` returns keys); `undefined` if not checked. */
  hadKey(key: string): boolean | undefined;
}
