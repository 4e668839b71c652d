/** The known name that was probably meant; `undefined` if none is close enough. */
export function nearest(written: string, known: readonly string[]): string | undefined {
  const limit = Math.max(1, Math.floor(written.length / 3));
  let best: string | undefined;
  let bestDistance = limit + 1;
  for (const name of known) {
    const distance = editDistance(written.toLowerCase(), name.toLowerCase());
    if (distance < bestDistance) [best, bestDistance] = [name, distance];
  }
  return best;
}

/** `did you mean "x"?`, or the list of known names if none is close. */
export function suggestion(written: string, known: readonly string[]): string {
  const name = nearest(written, known);
  if (name !== undefined) return `did you mean "${name}"?`;
  return known.length > 0 ? `known: ${known.join(", ")}` : "none is known";
}

/**
 * The number of letters to insert, delete, replace or swap with a neighbour to turn one text into the other (optimal string
 * alignment).
 */
function editDistance(from: string, to: string): number {
  const row = (length: number): number[] => Array.from({ length: length + 1 }, (_, index) => index);
  let beforeLast: number[] = [];
  let last = row(to.length);
  for (let i = 1; i <= from.length; i += 1) {
    const current = [i];
    for (let j = 1; j <= to.length; j += 1) {
      const replaced = (last[j - 1] ?? 0) + (from[i - 1] === to[j - 1] ? 0 : 1);
      let cost = Math.min(replaced, (last[j] ?? 0) + 1, (current[j - 1] ?? 0) + 1);
      if (i > 1 && j > 1 && from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1])
        cost = Math.min(cost, (beforeLast[j - 2] ?? 0) + 1);
      current.push(cost);
    }
    [beforeLast, last] = [last, current];
  }
  return last[to.length] ?? 0;
}
