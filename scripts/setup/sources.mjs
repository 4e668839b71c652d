import { SetupFailure } from "./context.mjs";

/**
 * @typedef {object} Source a place that a program may come from
 * @property {string} name
 * @property {() => Promise<{ path: string } | { why: string }>} get its path, or why it does not come from here
 */

/**
 * @param {string} what the program, for people
 * @param {Source[]} sources in order of preference; one is asked only when those before it had nothing
 * @param {string[]} remedies commands of which each would help
 * @returns {Promise<string>} the program's path
 * @throws {SetupFailure} when none has it: what each said, and what to type
 */
export async function firstOf(what, sources, remedies) {
  const reasons = [];
  for (const source of sources) {
    const found = await source.get();
    if ("path" in found) return found.path;
    reasons.push(`    ${source.name}: ${found.why}`);
  }
  const commands = remedies.map((command) => `    ${command}`);
  throw new SetupFailure(
    [`no ${what} is here, and none could be installed:`, ...reasons, "  Type one of these, then start again:", ...commands].join(
      "\n",
    ),
  );
}
