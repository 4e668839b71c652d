/**
 * The matrix cell of a job as text, `browser=firefox, shard=2`, from `toJson(matrix)`. The same cell always gives the same text,
 * whatever the order of its members.
 * @returns undefined if the job has no matrix, or the runner didn't evaluate the expression
 */
export function matrixCell(json: string | undefined): string | undefined {
  const matrix = parsed(json);
  if (typeof matrix !== "object" || matrix === null || Array.isArray(matrix)) return undefined;
  const members = Object.entries(matrix).sort(([a], [b]) => (a < b ? -1 : 1));
  return members.map(([name, value]) => `${name}=${plain(value)}`).join(", ") || undefined;
}

function parsed(json: string | undefined): unknown {
  try {
    return json ? JSON.parse(json) : undefined;
  } catch {
    // A runner that doesn't support the expression leaves it unevaluated, so the cell is unknown.
    return undefined;
  }
}

/** Text stays unquoted for readability, unless it could be read as another member. */
function plain(value: unknown): string {
  return typeof value === "string" && !/[,=]/.test(value) ? value : JSON.stringify(sorted(value));
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(members.map(([name, member]) => [name, sorted(member)]));
}
