import { z } from "zod";
import { reportSchema } from "../src/report/schema/report.ts";

/** The content of `schema/report.schema.json`. Draft 7, as for the configuration, because every editor supports it. */
export function reportJsonSchema(): object {
  const { $schema, ...schema } = z.toJSONSchema(reportSchema, { target: "draft-7" });
  return { $schema, $id: "https://raw.githubusercontent.com/classwaves/env-actions/v1/schema/report.schema.json", ...schema };
}
