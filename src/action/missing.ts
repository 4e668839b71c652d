import { writeSync } from "node:fs";
import { errorText } from "../lib/error-text.ts";
import { readOn } from "../model/coded-error.ts";
import { UserError } from "../model/user-error.ts";
import { errorCommand, isPostStep, saveVisit } from "./commands.ts";
import { readInputs } from "./inputs.ts";

/**
 * Reports inputs that are missing, before any other code is loaded, and even Node's streams: that would take longer than all the
 * rest. What it prints has no text from outside, so nothing in it needs redaction.
 * @returns the exit status; undefined if the step has to go on, in whatever way
 */
export function refuseMissing(env: NodeJS.ProcessEnv): number | undefined {
  if (isPostStep(env)) return undefined;
  const read = readInputs(env);
  if (read.ok || read.quoting) return undefined;
  try {
    saveVisit(env);
    let rest = Buffer.from(wrongInputs(new UserError(read.code, read.mistakes.join("\n"))));
    while (rest.length > 0) rest = rest.subarray(writeSync(1, rest));
    return 2;
  } catch {
    // The long way tries it again, through a stream that can wait, and reports what fails.
    return undefined;
  }
}

export const invalid = "env-actions: invalid input or configuration";

/** What the log gets. Wrong inputs are in no file, so nothing is annotated there. */
export function wrongInputs(error: UserError, text = errorText(error)): string {
  return `${errorCommand(text, { title: invalid })}Read on: ${readOn(error.codes)}\n`;
}
