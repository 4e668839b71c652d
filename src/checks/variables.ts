import type { Check } from "../model.ts";
import { look } from "./check.ts";

/** The environment variables that an environment needs are present and not empty. Values are never looked at otherwise. */
export function checkVariables(names: readonly string[], env: Readonly<Record<string, string | undefined>>): Promise<Check> {
  return look("variables", "Required variables", async () => {
    const missing = names.filter((name) => (env[name] ?? "").trim() === "");
    const expected = `${names.length} present`;
    if (missing.length === 0) return { verdict: "passed", observed: `${names.length} present`, expected };
    return {
      verdict: "failed",
      observed: `missing: ${missing.join(", ")}`,
      expected,
      message: `Set ${missing.join(", ")}: on a runner as \`env:\` of the step from the repository's secrets or variables, in the terminal with export.`,
    };
  });
}
