import { toJSONSchema } from "zod";
import { z } from "../../lib/zod.ts";
import { columnPolicySchema, policiesSchema, policiesSchemaUrl, tableSchema } from "./schema.ts";

/** The JSON schema for editors, draft 7. */
export function policiesJsonSchema(): unknown {
  const table = tableSchema.extend({ columns: z.record(z.string(), columnPolicySchema).describe("The policy of each column.") });
  const whole = policiesSchema.extend({
    tables: z
      .record(z.string(), z.union([z.literal("omit"), table]))
      .describe("By `schema.table`. Every table of production must be here; `omit` leaves it out."),
  });
  const { $schema, ...schema } = toJSONSchema(whole, { io: "input", target: "draft-7" });
  return { $schema, $id: policiesSchemaUrl, title: "Policies of a copy of production", ...schema };
}
