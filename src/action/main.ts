import { UserError } from "../model.ts";
import { errorCommand } from "./command.ts";
import { readInputs } from "./inputs.ts";
import { isPostStep, saveVisit } from "./state.ts";

/**
 * What the runner starts, as main step and again as post step. The stages, and with them every library, are loaded only when the
 * inputs are good.
 */
export async function main(env: NodeJS.ProcessEnv): Promise<void> {
  try {
    if (isPostStep(env)) return await (await import("./post.ts")).post(env);
    // Before anything can go wrong: the post step reads the inputs again, and must not take a corrected one for an order.
    saveVisit(env);
    const read = readInputs(env);
    if (!read.ok) throw new UserError(read.mistakes.join("\n"));
    process.exitCode = await (await import("./run.ts")).run(read.inputs, env);
  } catch (error) {
    const mistake = error instanceof UserError;
    const message = error instanceof Error ? (mistake ? error.message : (error.stack ?? error.message)) : String(error);
    process.stdout.write(`${errorCommand(mistake ? "env-actions: please correct" : "env-actions: unexpected error", message)}\n`);
    process.exitCode = mistake ? 2 : 3;
  }
}
