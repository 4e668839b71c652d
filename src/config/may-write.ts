import { z } from "../lib/zod.ts";

/** A written exception. Without it, a credential that can write fails the check of a read-only environment. */
export const mayWrite = z
  .strictObject({
    until: z.iso
      .date({ error: "expected the last day as a date, such as 2026-12-31" })
      .meta({ description: "Last day of the exception, in UTC. Afterwards, the credential fails again." }),
    reason: z
      .string({ error: "expected the reason why this credential can write, and who will fix it" })
      .regex(/\S/, { error: "expected the reason why this credential can write, and who will fix it" })
      .meta({ description: "Why the credential can write, and what is being done about it. Shown with the warning." }),
  })
  .optional()
  .meta({
    description:
      "Exception for a read-only environment: until the given day, a credential that could write is a warning instead of a failure.",
  });
