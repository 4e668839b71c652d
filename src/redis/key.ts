/** A key as people read it. */
export function readableKey(key: string): string {
  return Buffer.from(key, "latin1").toString("utf8");
}

/** Text as it stands in keys. */
export function keyText(text: string): string {
  return Buffer.from(text, "utf8").toString("latin1");
}

/**
 * The same key, on its own: keys of a scan are views of the piece of network data that they came in, and one that is kept would keep
 * all of it in memory.
 */
export function ownKey(key: string): string {
  return Buffer.from(key, "latin1").toString("latin1");
}
