import { SetupFailure } from "./context.mjs";

/**
 * @typedef {object} Source a place where a program may be found
 * @property {string} name
 * @property {() => Promise<{ path: string } | { why: string }>} get its path, or why it is not available here
 */

/**
 * @param {string} what the program, for people
 * @param {Source[]} sources in order of preference; each is tried only if all before it failed
 * @param {string[]} remedies commands, each of which would help
 * @returns {Promise<string>} the program's path
 * @throws {SetupFailure} if no source has it: lists each reason, and what to type
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
