import { z } from "../lib/zod.ts";

/**
 * What the loader does with the text of a place in the file, beyond checking it:
 * - `secret`: must be one reference to a variable; never shown.
 * - `shell`: `${NAME}` stays as it is written, because the shell expands it. Put in beforehand, the variable's text would be run
 *   as part of the command.
 */
export type Handling = "secret" | "shell";

export const handlings = z.registry<{ handling: Handling }>();
