import { once } from "../../lib/once.ts";
import { z } from "../../lib/zod.ts";
import type { CheckKind } from "../kind.ts";

const sample = once(() =>
  z.strictObject({
    name: z.string().min(1).meta({ description: "Display name." }),
    query: z.string().min(1).meta({ description: "Statement that only reads: `SELECT`, `SHOW`, `DESCRIBE` or `EXPLAIN`." }),
    minimumRows: z.int().min(0).default(1).meta({ description: "Minimum number of rows that the statement must return." }),
  }),
);

const schema = once(() => z.array(sample()).default([]).meta({ description: "SQL statements that smoke runs as samples." }));

/** The user's statements that must return rows. */
export const sql: CheckKind<ReturnType<typeof schema>> = {
  schema,
  stages: ["smoke"],
  dependsOn: [],
  critical: [],
  load: () => import("./check.ts"),
};
