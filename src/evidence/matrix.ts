/**
 * The cell of a job's matrix as text, `browser=firefox, shard=2`, from `toJson(matrix)`. The same cell gives the same text, in whatever
 * order its members come.
 * @returns undefined where the job has no matrix, or where the runner did not fill in the expression
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
    // A runner that does not know the expression leaves it as it is: then the cell is not known.
    return undefined;
  }
}

/** Texts as they are, so that people recognise them; but for those that would read like another member. */
function plain(value: unknown): string {
  return typeof value === "string" && !/[,=]/.test(value) ? value : JSON.stringify(sorted(value));
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(members.map(([name, member]) => [name, sorted(member)]));
}
