import { RedisFailure } from "../../src/redis/connection.ts";

/** The failure of the work. Fails the test if the work succeeded or failed in another way. */
export async function failureOf(work: Promise<unknown>): Promise<RedisFailure> {
  const outcome: unknown = await work.then(
    (result) => new Error(`it succeeded with ${String(result)}`),
    (error: unknown) => error,
  );
  if (outcome instanceof RedisFailure) return outcome;
  throw outcome;
}

/** Every key once, sorted. `onBatch` gets each batch before the next one is requested. */
export async function allKeys(
  scan: AsyncIterable<string[]>,
  onBatch?: (batch: number) => Promise<void> | void,
): Promise<string[]> {
  const keys = new Set<string>();
  let batches = 0;
  for await (const batch of scan) {
    for (const key of batch) keys.add(key);
    await onBatch?.(batches++);
  }
  return [...keys].sort();
}

export function names(count: number, of = "key"): string[] {
  return Array.from({ length: count }, (_, index) => `${of}:${index}`);
}
