import { secretKeeper } from "../app/secret-keeper.ts";
import { errorText } from "../lib/error-text.ts";
import { guardWrites } from "../lib/redaction/redactor.ts";
import { secretsOfVariables } from "../lib/redaction/variables.ts";
import { readOn, unexpectedText } from "../model/coded-error.ts";
import { UserError } from "../model/user-error.ts";
import * as commands from "./commands.ts";
import { inputOf, readInputs } from "./inputs.ts";
import { invalid, wrongInputs } from "./missing.ts";

/**
 * Called by the runner as the main step and again as the post step. The input `stage` says what to start: `run` in run.ts for a
 * stage, otherwise the file of the same name. Stages and libraries are loaded only after the inputs are valid.
 */
export async function main(env: NodeJS.ProcessEnv): Promise<void> {
  const secrets = secretKeeper((secret) => unguarded(`${commands.maskCommand(secret)}\n`));
  // All output of this process goes through this guard: our lines, the runner's commands, and Node's warnings.
  const unguarded = guardWrites(process.stdout, secrets.redact);
  guardWrites(process.stderr, secrets.redact);
  // Until the configuration is loaded, secrets are recognised by the names of variables.
  secrets.guess(secretsOfVariables([env]));
  process.once("uncaughtException", (error) => {
    process.exitCode = sayError(error);
    process.exit();
  });
  try {
    if (commands.isPostStep(env)) return await (await import("./post.ts")).post(env, secrets);
    // Comes first, before anything can fail. The post step reads the inputs again, and must not run a stage if they are valid by
    // then.
    commands.saveVisit(env);
    if (inputOf(env, "stage") === "gate") {
      process.exitCode = await (await import("./gate.ts")).gate(env, secrets);
      return;
    }
    if (inputOf(env, "stage") === "comment") {
      process.exitCode = await (await import("./comment.ts")).comment(env, secrets);
      return;
    }
    if (inputOf(env, "stage") === "approve") {
      process.exitCode = await (await import("./approve.ts")).approve(env, secrets);
      return;
    }
    if (inputOf(env, "stage") === "dashboard") {
      process.exitCode = await (await import("./dashboard.ts")).dashboard(env, secrets);
      return;
    }
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
  const { logLine, plainText } = await import("../report/inert.ts");
  const text = plainText(errorText(error));
  if (error.mistakes.length === 0 && text.length < longText) {
    // Without the code that places annotations in files and cuts them: a wrong input is in no file, and short.
    process.stdout.write(wrongInputs(error, text));
    return 2;
  }
  const { mistakeAnnotations } = await import("../report/annotations.ts");
  if (error.mistakes.length > 0) for (const line of errorText(error).split("\n")) process.stdout.write(`${logLine(line)}\n`);
  for (const { title, message, file, line, column } of mistakeAnnotations(error, env["INPUT_WORKING-DIRECTORY"]?.trim() || "."))
    commands.error(message, { file, line, col: column, title });
  process.stdout.write(`Read on: ${readOn(error.codes)}\n`);
  return 2;
}

const longText = 2_000;

/** @returns the exit status */
function sayError(error: unknown): number {
  if (error instanceof UserError) {
    commands.error(errorText(error), { title: invalid });
    return 2;
  }
  commands.error(unexpectedText(error), { title: "env-actions: unexpected error" });
  return 3;
}
