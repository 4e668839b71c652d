import { z } from "zod";
import { reportSchema } from "../src/report/schema/report.ts";

/** The content of `schema/report.schema.json`: draft 7, like the configuration's, because every editor reads it. */
export function reportJsonSchema(): object {
  const { $schema, ...schema } = z.toJSONSchema(reportSchema, { target: "draft-7" });
  return { $schema, $id: "https://raw.githubusercontent.com/classwaves/env-actions/v1/schema/report.schema.json", ...schema };
}
