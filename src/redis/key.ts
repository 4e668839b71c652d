/** A key as people read it. */
export function readableKey(key: string): string {
  return Buffer.from(key, "latin1").toString("utf8");
}

/** Text as it stands in keys. */
export function keyText(text: string): string {
  return Buffer.from(text, "utf8").toString("latin1");
}
