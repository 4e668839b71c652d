/** Whether a pattern such as `compliance.*` covers `schema.table`. The warehouse ignores case, so we do too. */
export function isProtected(table: string, patterns: readonly string[]): boolean {
  const name = table.toLowerCase();
  return patterns
    .map((pattern) => pattern.toLowerCase())
    .some((pattern) => (pattern.endsWith(".*") ? name.startsWith(pattern.slice(0, -1)) : name === pattern));
}
