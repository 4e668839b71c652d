import { secretKeeper } from "../app/secret-keeper.ts";
import { guardWrites } from "../lib/redaction/streams.ts";
import { secretsOfVariables } from "../lib/redaction/variables.ts";
import { UserError } from "../model.ts";
import { errorCommand, maskCommand } from "./command.ts";
import { readInputs } from "./inputs.ts";
import { isPostStep, saveVisit } from "./state.ts";

/**
 * What the runner starts, as main step and again as post step. The stages, and with them every library, are loaded only when the
 * inputs are good.
 */
export async function main(env: NodeJS.ProcessEnv): Promise<void> {
  const secrets = secretKeeper((secret) => unguarded(`${maskCommand(secret)}\n`));
  // Whoever prints in this process, prints through this: our lines, @actions/core's commands, warnings of node.
  const unguarded = guardWrites(process.stdout, secrets.redact);
  guardWrites(process.stderr, secrets.redact);
  // Until the configuration says more, a variable's name tells.
  secrets.guess(secretsOfVariables([env]));
  process.once("uncaughtException", (error) => {
    process.exitCode = sayError(error);
    process.exit();
  });
  try {
    if (isPostStep(env)) return await (await import("./post.ts")).post(env, secrets);
    // Before anything can go wrong: the post step reads the inputs again, and must not take a corrected one for an order.
    saveVisit(env);
    const read = readInputs(env);
    if (!read.ok) throw new UserError(read.mistakes.join("\n"));
    process.exitCode = await (await import("./run.ts")).run(read.inputs, env, secrets);
  } catch (error) {
    process.exitCode = sayError(error);
  }
}

/** @returns the exit status */
function sayError(error: unknown): number {
  const mistake = error instanceof UserError;
  const message = error instanceof Error ? (mistake ? error.message : (error.stack ?? error.message)) : String(error);
  process.stdout.write(`${errorCommand(mistake ? "env-actions: please correct" : "env-actions: unexpected error", message)}\n`);
  return mistake ? 2 : 3;
}
