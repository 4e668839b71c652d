import { UserError } from "../model/user-error.ts";

export interface CompareArguments {
  a: string;
  b: string;
  /** Whether both are measured now, too. */
  measure: boolean;
  /** Whether the size of each table is asked for. */
  sizes: boolean;
}

const example = "env-actions compare staging production";

/** @throws UserError */
export function compareArguments(
  [a, b, extra]: readonly string[],
  { measure, sizes }: { measure: boolean; sizes: boolean },
): CompareArguments {
  if (a === undefined || b === undefined)
    throw new UserError(
      "EA1102",
      `compare: expected two environments, got ${a === undefined ? "none" : `"${a}" alone`}, such as: ${example}`,
    );
  if (extra !== undefined) throw new UserError("EA1102", `unexpected argument "${extra}" after "compare ${a} ${b}": remove it`);
  if (a === b)
    throw new UserError(
      "EA8140",
      `compare: "${a}" is named twice, and an environment is always equal to itself: name two, such as: ${example}`,
    );
  return { a, b, measure, sizes };
}
