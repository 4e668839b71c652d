/** A key in readable form. */
export function readableKey(key: string): string {
  return Buffer.from(key, "latin1").toString("utf8");
}

/** A text in the form that keys have. */
export function keyText(text: string): string {
  return Buffer.from(text, "utf8").toString("latin1");
}
