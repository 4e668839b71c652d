import { readFile } from "node:fs/promises";
import { isAbsolute, join } from "node:path";
import { UserError } from "../model/user-error.ts";
import type { IgnoreRule } from "../staging/drift/ignore.ts";
import type { StageContext } from "./context.ts";

/**
 * The CHECK constraints that the policies leave out (`withoutChecks`): sanitised values may not meet them, so a refresh drops them in
 * the copy. Nobody should have to say that a second time, and sync must not add them again: the rows would not allow it.
 */
export async function checksLeftOut({ config, workspace }: Pick<StageContext, "config" | "workspace">): Promise<IgnoreRule[]> {
  const name = config.staging?.policies;
  if (name === undefined) return [];
  // Without the file nothing is left out. Only a refresh needs it.
  const text = await readFile(isAbsolute(name) ? name : join(workspace, name), "utf8").catch(() => "");
  if (!text.includes("withoutChecks")) return [];
  const { readPolicies } = await import("../staging/policies/read.ts");
  try {
    const { tables } = readPolicies(text, name).policies;
    return Object.entries(tables).flatMap(([object, { withoutChecks }]) =>
      withoutChecks.map((check) => ({
        object,
        facet: "constraints" as const,
        item: `CHECK ${check}`,
        reason: `${name} leaves it out of the copy (withoutChecks)`,
        implied: true as const,
      })),
    );
  } catch (error) {
    // A refresh names the mistakes.
    if (error instanceof UserError) return [];
    throw error;
  }
}
