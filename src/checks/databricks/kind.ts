import { bearerToken, secret } from "../../config/secret.ts";
import { mayWrite, timeLimit, workspaceHost } from "../../config/values.ts";
import { once } from "../../lib/once.ts";
import { z } from "../../lib/zod.ts";
import type { CheckKind } from "../kind.ts";

/** Before this is parsed, {@link import("../../config/interpolation.ts")} fills in what the file leaves to DATABRICKS_* variables. */
const settings = once(() =>
  z.strictObject({
    host: workspaceHost()
      // The default is in the schema too, so that editors show it.
      .prefault("${DATABRICKS_HOST}")
      .meta({ description: "Host of the workspace, or `host:port`. Default: the variable `DATABRICKS_HOST`." }),
    warehouse: z.string().min(1).optional().meta({
      description: "Id of the SQL warehouse. Default: `DATABRICKS_WAREHOUSE_ID`, or the path in `DATABRICKS_HTTP_PATH`.",
    }),
    path: z
      .string()
      .min(1)
      .optional()
      .meta({ description: "HTTP path of the warehouse, if it is not `/sql/1.0/warehouses/<warehouse>`." }),
    token: bearerToken("DATABRICKS_TOKEN").optional().meta({
      description:
        "Signs in with a personal access token, `${DATABRICKS_TOKEN}`. If no sign-in is configured here, the `DATABRICKS_*` variables decide which one is used.",
    }),
    clientId: z.string().min(1).optional().meta({
      description:
        "Client id of the service principal to sign in as (OAuth), together with `clientSecret`. Default: `DATABRICKS_CLIENT_ID`.",
    }),
    clientSecret: secret("DATABRICKS_CLIENT_SECRET").optional().meta({
      description:
        "OAuth secret of the service principal, `${DATABRICKS_CLIENT_SECRET}`. If only `clientId` is set, that variable is used.",
    }),
    oidc: z
      .strictObject({
        clientId: z.string().min(1).optional().meta({
          description:
            "Client id of the service principal whose federation policy trusts this job. Default: `DATABRICKS_CLIENT_ID`. If that is not set, the account's policy applies.",
        }),
        audience: z.string().min(1).optional().meta({
          description:
            "Audience, as in the federation policy. Default: `DATABRICKS_TOKEN_AUDIENCE`, `DATABRICKS_ACCOUNT_ID` or the workspace's token endpoint.",
        }),
      })
      .optional()
      .meta({ description: "Signs in with GitHub's id token, without a stored secret. The job needs `id-token: write`." }),
    catalog: z
      .string()
      .min(1)
      .default("classwaves")
      .meta({ description: "Catalog that contains the tables. If left out, `DATABRICKS_CATALOG` is used if it is set." }),
    certificateAuthority: z.string().min(1).optional().meta({ description: "File with a private CA certificate (PEM)." }),
    expect: z
      .strictObject({
        host: z.string().min(1).meta({
          description:
            "Expected host of the workspace, written out and not taken from a variable. Connecting to any other host stops the run.",
        }),
        catalog: z
          .string()
          .min(1)
          .optional()
          .meta({ description: "Expected catalog, for when `catalog` comes from a variable. Any other catalog stops the run." }),
        principal: z
          .string()
          .min(1)
          .optional()
          .meta({ description: "User or service principal that `current_user()` must return." }),
      })
      .optional()
      .meta({
        description:
          "Expected identity of the warehouse. Host and catalog are compared before a connection is opened, the principal before the first write. It protects from mistakes, not from somebody who changes this file.",
      }),
    mayWrite: mayWrite(),
    startTimeout: timeLimit.prefault("10m").meta({
      description:
        "Time limit for a stopped warehouse to start. The `budget` of the stage applies as well: raise it if the warehouse may be stopped.",
    }),
  }),
);

const schema = once(() =>
  settings().optional().meta({ description: "The Databricks SQL warehouse. Leave it out if the environment has none." }),
);

/** The SQL warehouse: connection, identity, proof of life, latency, certificate, token, and the credential's rights. */
export const databricks: CheckKind<ReturnType<typeof schema>> = {
  schema,
  stages: ["preflight", "smoke"],
  dependsOn: [],
  critical: ["databricks.read-only"],
  load: () => import("./check.ts"),
};
