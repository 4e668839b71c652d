import { secretKeeper } from "../app/secret-keeper.ts";
import { errorText } from "../lib/error-text.ts";
import { guardWrites } from "../lib/redaction/redactor.ts";
import { secretsOfVariables } from "../lib/redaction/variables.ts";
import { readOn, unexpectedText } from "../model/coded-error.ts";
import { UserError } from "../model/user-error.ts";
import { readInputs } from "./inputs.ts";
import { isPostStep, saveVisit } from "./post.ts";

/**
 * Called by the runner as the main step and again as the post step. Stages and libraries are loaded only after the inputs are
 * valid.
 */
export async function main(env: NodeJS.ProcessEnv): Promise<void> {
  const secrets = secretKeeper((secret) => unguarded(`${maskCommand(secret)}\n`));
  // All output of this process goes through this guard: our lines, @actions/core's commands, and Node's warnings.
  const unguarded = guardWrites(process.stdout, secrets.redact);
  guardWrites(process.stderr, secrets.redact);
  // Until the configuration is loaded, secrets are recognised by the names of variables.
  secrets.guess(secretsOfVariables([env]));
  process.once("uncaughtException", (error) => {
    process.exitCode = sayError(error);
    process.exit();
  });
  try {
    if (isPostStep(env)) return await (await import("./post.ts")).post(env, secrets);
    // Comes first, before anything can fail. The post step reads the inputs again, and must not run a stage if they are valid by
    // then.
    saveVisit(env);
    const read = readInputs(env);
    if (!read.ok) throw new UserError(read.code, read.mistakes.join("\n"));
    process.exitCode = await (await import("./run.ts")).run(read.inputs, env, secrets);
  } catch (error) {
    process.exitCode = error instanceof UserError ? await sayMistakes(error, env) : sayError(error);
  }
}

/**
 * Prints the mistakes to the log, and annotates each at its line of the file, where GitHub shows it beside the code.
 * @returns the exit status
 */
async function sayMistakes(error: UserError, env: NodeJS.ProcessEnv): Promise<number> {
  const { mistakeAnnotations } = await import("../report/annotations.ts");
  if (error.mistakes.length > 0) {
    const { logLine } = await import("../report/inert.ts");
    for (const line of errorText(error).split("\n")) process.stdout.write(`${logLine(line)}\n`);
  }
  for (const { title, message, ...place } of mistakeAnnotations(error, env["INPUT_WORKING-DIRECTORY"]?.trim() || "."))
    process.stdout.write(`${errorCommand(title, message, place)}\n`);
  process.stdout.write(`Read on: ${readOn(error.codes)}\n`);
  return 2;
}

/** @returns the exit status */
function sayError(error: unknown): number {
  if (error instanceof UserError) {
    process.stdout.write(`${errorCommand("env-actions: invalid input or configuration", errorText(error))}\n`);
    return 2;
  }
  process.stdout.write(`${errorCommand("env-actions: unexpected error", unexpectedText(error))}\n`);
  return 3;
}

/**
 * Formats a workflow command, as the runner reads it from a line of output. Written by hand, because @actions/core takes longer
 * to load than everything else together, and the error for a missing input does not need it.
 */
export function errorCommand(
  title: string,
  message: string,
  place: { file?: string; line?: number; column?: number } = {},
): string {
  const { file, line, column } = place;
  const properties = Object.entries({ file, line, col: column, title }).filter(([, value]) => value !== undefined);
  return `::error ${properties.map(([name, value]) => `${name}=${escapeProperty(String(value))}`).join(",")}::${escapeData(message)}`;
}

/** Makes the runner hide a text in all further output of the job. */
export function maskCommand(secret: string): string {
  return `::add-mask::${escapeData(secret)}`;
}

function escapeData(text: string): string {
  return text.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
}

function escapeProperty(text: string): string {
  return escapeData(text).replaceAll(":", "%3A").replaceAll(",", "%2C");
}
