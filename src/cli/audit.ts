import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { UserError } from "../model.ts";
import { verifyAudit } from "../report/audit.ts";

const auditFile = ".env-actions/audit.jsonl";

/** Whether every line of the audit log still follows from the one before. @returns the sentence, and whether it does. @throws UserError */
export async function auditVerify(workspace: string): Promise<{ ok: boolean; text: string }> {
  let content: string;
  try {
    content = await readFile(join(workspace, auditFile), "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    throw new UserError(`there is no ${auditFile} here: run a stage first, or go to the folder it ran in`);
  }
  const verified = verifyAudit(content);
  if (verified.ok) return { ok: true, text: `${auditFile}: ${verified.lines} lines, each follows from the one before` };
  return {
    ok: false,
    text: `${auditFile}:${verified.line} ${verified.why}${verified.torn ? "" : ": this line or one before it was changed, added or taken out"}`,
  };
}
