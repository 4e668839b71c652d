import { z } from "zod";
import { UnreadableReport } from "./unreadable.ts";

/** Throws UnreadableReport with the place of the first character that is wrong. */
export function parseJson(file: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    const { message } = error;
    if (/^Unexpected end|^Unterminated/.test(message))
      throw new UnreadableReport(file, "truncated: the JSON ends too early", `line ${text.split("\n").length}`);
    const place = /\(line (\d+) column (\d+)\)/.exec(message);
    const where = place ? `line ${place[1]}, column ${place[2]}` : undefined;
    throw new UnreadableReport(file, `malformed JSON: ${message.split(" in JSON")[0]}`, where);
  }
}

/** Throws UnreadableReport with the path of the first value that is not what the format says. */
export function validate<T>(file: string, format: string, schema: z.ZodType<T>, document: unknown): T {
  const result = schema.safeParse(document);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const path = (issue?.path ?? []).map((step) => (typeof step === "number" ? `[${step}]` : `.${String(step)}`)).join("");
  throw new UnreadableReport(
    file,
    `not as ${format} writes it: ${issue?.message ?? "unknown reason"}`,
    path.replace(/^\./, "") || undefined,
  );
}

/**
 * Believes the header where it says more trouble than the body shows: then a part is missing. A header that says less is a known
 * habit of some writers, and harmless.
 */
export function requireAll(file: string, what: string, declared: number | undefined, seen: number): void {
  if (declared !== undefined && declared > seen)
    throw new UnreadableReport(file, `damaged: it declares ${declared} ${what}, but describes ${seen}`);
}

/** Counts and durations: never negative, never NaN. */
export const count = z.int().min(0);
export const milliseconds = z.number().min(0);
