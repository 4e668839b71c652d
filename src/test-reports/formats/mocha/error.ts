import { z } from "../../../lib/zod.ts";
import { messageOf, stackOf } from "../../reported.ts";

/** How Mocha's reporters describe an error. Anything can be thrown, so nothing is certain. */
export const errorSchema = z.looseObject({
  name: z.string().nullish().catch(undefined),
  message: z.string().nullish().catch(undefined),
  stack: z.string().nullish().catch(undefined),
  /** mochawesome's stack. */
  estack: z.string().nullish().catch(undefined),
});

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
