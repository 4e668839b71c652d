import { z } from "../../lib/zod.ts";
import { UnreadableReport } from "../reported.ts";

/** @throws UnreadableReport, with the position if the engine gives it */
export function parseJson(file: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    const { message } = error;
    if (/^Unexpected end|^Unterminated/.test(message))
      throw new UnreadableReport("EA6004", file, "truncated: the JSON ends too early", `line ${text.split("\n").length}`);
    const cause = message.replace(/ in JSON at .*| is not valid JSON$/s, "").replaceAll("\n", " ");
    throw new UnreadableReport("EA6004", file, `malformed JSON: ${cause}`, placeOf(message, text));
  }
}

/** V8 shows this many characters on both sides of an unexpected one. */
const shownBefore = 10;

/** V8 gives either the position or the surrounding text. The text shows the position if it occurs only once in the report. */
function placeOf(message: string, text: string): string | undefined {
  const told = /\(line (\d+) column (\d+)\)/.exec(message);
  if (told) return `line ${told[1]}, column ${told[2]}`;
  const around = /^Unexpected token .*?, \.\.\."(.*)"(?:\.\.\.)? is not valid JSON$/s.exec(message)?.[1];
  if (around === undefined) return undefined;
  const start = text.indexOf(around);
  if (start < 0 || text.indexOf(around, start + 1) >= 0) return undefined;
  const before = text.slice(0, start + shownBefore).split("\n");
  return `line ${before.length}, column ${(before.at(-1)?.length ?? 0) + 1}`;
}

/** @throws UnreadableReport with the path of the first value that doesn't fit the format */
export function validate<T>(file: string, format: string, schema: z.ZodType<T>, document: unknown): T {
  const result = schema.safeParse(document);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const path = (issue?.path ?? []).map((step) => (typeof step === "number" ? `[${step}]` : `.${String(step)}`)).join("");
  throw new UnreadableReport(
    "EA6004",
    file,
    `not what ${format} writes: ${issue?.message ?? "unknown reason"}`,
    path.replace(/^\./, "") || undefined,
  );
}

/** If the header declares more failures than the body has, a part is missing. Some writers declare fewer, which is harmless. */
export function requireDeclaredCount(file: string, what: string, declared: number | undefined, seen: number): void {
  if (declared !== undefined && declared > seen)
    throw new UnreadableReport("EA6004", file, `damaged: expected ${declared} ${what} as declared, got ${seen}`);
}

/** Counts and durations are never negative or NaN. */
export const count = z.int().min(0);
export const milliseconds = z.number().min(0);
