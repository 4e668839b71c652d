import { isFromRunner } from "./action/commands.ts";
import { refuseMissing } from "./action/missing.ts";

/**
 * The only entry of dist. The runner starts it without arguments; a terminal or a `run:` step passes some. It is a file of its own, with
 * nothing but what reports a missing input: to compile and run the rest would take longer. The rest is `program.ts`: it calls `main`
 * in `action/main.ts` on a runner and `terminal` in `cli/main.ts` elsewhere, and ends the process when they have returned.
 */
const refused = isFromRunner() ? refuseMissing(process.env) : undefined;
if (refused === undefined) await import(/* webpackIgnore: true */ "./program.ts");
else process.exit(refused);
