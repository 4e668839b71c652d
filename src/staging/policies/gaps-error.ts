import { count } from "../../lib/count.ts";
import { UserError } from "../../model/user-error.ts";
import type { Gap } from "./gaps.ts";
import type { ReadPolicies } from "./read.ts";

/** More of them would push the rest off the screen; the report has all. */
const mostShown = 50;

/** Names each gap with the line of the file that it is about. @param gaps at least one */
export function gapsError({ file, placeOf }: ReadPolicies, gaps: readonly Gap[]): UserError {
  const placed = gaps.map(({ code, object, path, message }) => ({ code, ...placeOf(path), message: `${object}: ${message}` }));
  const lines = placed
    .slice(0, mostShown)
    .map(({ code, line, column, message }) => `${file}:${line}:${column}  ${code}: ${message}`);
  const more = placed.length > mostShown ? [`… and ${placed.length - mostShown} more`] : [];
  const title = `${file} doesn't fit production, so nothing was read (${count(gaps.length, "gap")}):`;
  return new UserError("EA2110", [title, ...lines, ...more].join("\n"), { mistakes: placed });
}
