import { z } from "../../../lib/zod.ts";
import { messageOf, stackOf } from "../../reported.ts";
import { text } from "../json-document.ts";

/** How Mocha's reporters describe an error. Anything can be thrown, so nothing is certain. */
export const errorSchema = z.preprocess(
  (value) => (typeof value === "string" ? { message: value } : value),
  z.looseObject({
    name: text,
    message: text,
    stack: text,
    /** mochawesome's stack. */
    estack: text,
  }),
);

export function troubleOf(error: z.output<typeof errorSchema> | null | undefined): { message: string; stack: string } {
  const stack = error?.stack || error?.estack || "";
  const message = messageOf(error?.message || stack) || "the report gives no message";
  return { message, stack: stackOf(stack || message) };
}

/** The title of the suites, as far as the report gives it, and the test's own. */
export function titlesOf({ title, fullTitle }: { title: string; fullTitle: string }): string[] {
  const suites = fullTitle.endsWith(` ${title}`) ? fullTitle.slice(0, -title.length - 1) : "";
  return suites === "" ? [fullTitle || title] : [suites, title];
}
