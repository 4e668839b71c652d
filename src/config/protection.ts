/** Whether `schema.table` is covered by a pattern such as `compliance.*`. To the warehouse, capitals are no other name. */
export function isProtected(table: string, patterns: readonly string[]): boolean {
  const name = table.toLowerCase();
  return patterns
    .map((pattern) => pattern.toLowerCase())
    .some((pattern) => (pattern.endsWith(".*") ? name.startsWith(pattern.slice(0, -1)) : name === pattern));
}
