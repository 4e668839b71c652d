import { z } from "../lib/zod.ts";

/**
 * How the loader treats a text of the file, in addition to checking it:
 * - `secret`: must be a single reference to a variable; never shown.
 * - `shell`: `${NAME}` is kept for the shell to expand. Expanding it earlier would run the variable's text as part of the
 *   command.
 */
export type Handling = "secret" | "shell";

export const handlings = z.registry<{ handling: Handling }>();
