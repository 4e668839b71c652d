import { once } from "../lib/once.ts";
import { z } from "../lib/zod.ts";
import { defaultPreset, presets } from "./preset.ts";
import { auditKey } from "./secret.ts";
import { duration, isAbsolutePath, name } from "./values.ts";

/** Settings of the whole file. */

export const versionSchema = z.literal(1, { error: "expected 1" }).meta({ description: "Version of the file format." });

export const defaultEnvironmentSchema = name
  .optional()
  .meta({ description: "Environment to use if none is specified. Default: the only environment that there is." });

const preset = z.enum(presets).default(defaultPreset);

export const presetSchema = preset.meta({
  description:
    "Built-in rules of an application. `classwaves`: the 48 tables, keys, routes, namespaces and Playwright projects of ClassWaves, and its proof of life: `/api/v1/health/databricks` must answer with a server time that is not null and changes. `none`: nothing of it is assumed, checked or asked for, for any other application.",
});

export const olderPresetSchema = preset.meta({
  description:
    "The older spelling of `preset` at the top of the file. `none` here leaves out tables, projects and rules of ClassWaves, but keeps its defaults, such as `keys`. If both are there, they must be the same.",
});

const environmentVariable = once(() =>
  z.string().regex(/^[A-Za-z_]\w*$/, { error: "expected the name of an environment variable, such as LICENSE_SEED" }),
);

const secrets = () =>
  z.strictObject({
    also: z.array(environmentVariable()).default([]).meta({
      description:
        "Environment variables whose value is a secret although their name does not suggest it, such as `LICENSE_SEED`.",
    }),
    not: z.array(environmentVariable()).default([]).meta({
      description: "Environment variables whose value is not a secret although their name suggests it, such as `CACHE_TOKEN`.",
    }),
  });

export const secretsSchema = once(() =>
  secrets().prefault({}).meta({ description: "Which environment variables are redacted everywhere. See docs/secrets.md." }),
);

const evidenceStore = () =>
  z.union(
    [
      z.literal("artifacts"),
      z.strictObject({
        folder: z
          .string()
          .refine(isAbsolutePath, { error: "expected an absolute path, such as /mnt/evidence" })
          .meta({ description: "Absolute path of an existing folder that every job of the workflow run reaches." }),
      }),
    ],
    { error: "expected artifacts, or { folder: /mnt/evidence }" },
  );

export const evidenceSchema = once(() =>
  z
    .strictObject({
      maxAge: duration.prefault("4h").meta({ description: "Maximum age of evidence. Older evidence is stale." }),
      store: evidenceStore().default("artifacts").meta({
        description:
          "How evidence reaches the other jobs of a workflow run. `artifacts`: by the runner's artifact service. `{ folder: … }`: by a folder of the self-hosted runner or a network share, where there is no such service (GitHub Enterprise Server, Gitea). See docs/guides/self-hosted-and-ghes.md.",
      }),
    })
    .prefault({})
    .meta({ description: "What a stage requires of the evidence from the stage before it." }),
);

export const auditSchema = once(() =>
  z
    .strictObject({
      key: auditKey().optional().meta({
        description:
          "Secret key, `${AUDIT_KEY}`, that adds an HMAC to each line of the audit log. Without the key, a changed or added line is noticed; a cut end is not. Servers and tests do not receive it.",
      }),
      upload: z.boolean().default(true).meta({
        description:
          "Whether the audit log is uploaded at the end of each stage on a runner, redacted and beside `report.html`, for 30 days. `false`: it stays in the workspace.",
      }),
    })
    .prefault({})
    .meta({ description: "Settings of the audit log." }),
);
