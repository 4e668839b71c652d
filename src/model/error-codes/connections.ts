import type { ErrorEntry } from "./entry.ts";

/** 3xxx: Databricks. */
export const databricksErrors = {
  EA3001: {
    title: "Databricks is unreachable",
    meaning:
      "No warehouse answers at the address: wrong host or path, a network that blocks the connection, or an untrusted certificate.",
    fix: "Check `databricks.host` and `databricks.warehouse` (or `path`), DNS and firewall. Connections go through the proxy that `HTTPS_PROXY` names, unless `NO_PROXY` lists the host. For your own authority, set `databricks.certificateAuthority`.",
  },
  EA3002: {
    title: "The connection to Databricks was lost",
    meaning: "The connection broke. A statement that was sent may have run or not.",
    fix: "Run the stage again. If it happens often, check the network between runner and workspace.",
  },
  EA3003: {
    title: "The warehouse didn't wake up in time",
    meaning: "The SQL warehouse is stopped, starting or overloaded.",
    fix: "Start it, raise `databricks.startTimeout`, or use a serverless warehouse.",
  },
  EA3004: {
    title: "Databricks limits the rate of requests",
    meaning: "The workspace answered 429, too many requests. Nothing was executed.",
    fix: "Run fewer jobs at the same time, or run the stage later.",
  },
  EA3005: {
    title: "Databricks refused the sign-in",
    meaning: "The token or client secret is wrong, expired or revoked, or the federation policy doesn't match.",
    fix: "Create a new credential. For OpenID Connect, compare the claims in the message with the federation policy. See [sign-in](../guides/sign-in.md).",
  },
  EA3006: {
    title: "A privilege is missing in Databricks",
    meaning: "The sign-in works, but the principal may not do what the stage needs.",
    fix: "Grant the privilege that the message names. See [the privileges of each stage](../trust.md#databricks-and-redis).",
  },
  EA3007: {
    title: "The Databricks session ended",
    meaning: "The warehouse closed the session. The statement was rejected.",
    fix: "Run the stage again.",
  },
  EA3008: {
    title: "A statement failed",
    meaning: "The warehouse rejected a statement: a table or column doesn't exist, or the syntax is wrong.",
    fix: "Compare the message with the tables of the catalog, and with `sql` and `testData.tables` in the configuration.",
  },
  EA3009: {
    title: "A request to Databricks was cancelled",
    meaning: "The budget of the stage was used up, or the run was cancelled.",
    fix: "Raise the budget of the stage, or `--budget` of `undo` and `repair`, if it is too short.",
  },
  EA3010: {
    title: "A statement was refused before it was sent",
    meaning:
      "In a read-only connection, only statements that surely read are sent. For deletes, the statement must be exactly what the plan says.",
    fix: "Rewrite your statement as a single SELECT. See [read-only](../read-only.md). If it is not your statement, report a bug.",
  },
  EA3011: {
    title: "GitHub gave no id token",
    meaning: "Sign-in with `oidc` needs an id token of the job, and GitHub didn't give one.",
    fix: "Add `permissions: id-token: write` to the job. Outside of GitHub Actions, use another way to sign in.",
  },
  EA3012: {
    title: "The certificate authority cannot be read",
    meaning:
      "The file under `databricks.certificateAuthority` or `redis.certificateAuthority` is not readable, or has no PEM certificate.",
    fix: "Name a PEM file that begins with `-----BEGIN CERTIFICATE-----`.",
  },
  EA3013: {
    title: "The environment has no Databricks",
    meaning: "What was asked for needs a warehouse, and the environment has no `databricks`.",
    fix: "Add `databricks` to the environment, or choose another environment.",
  },
  EA3014: {
    title: "Another writer was faster",
    meaning:
      "Another writer changed the same table at the same moment, again and again. Delta committed nothing of the statement, so it was repeated, until the attempts were used up.",
    fix: "Run the stage again when the other writer has finished, or let it write less often. Deletion vectors with row-level concurrency make conflicts rare.",
  },
  EA3015: {
    title: "Rows of this table cannot be deleted",
    meaning:
      "A pipeline fills the table (a streaming table or a materialized view), or it is append-only (`delta.appendOnly`). So Databricks refuses to delete from it, or to write into it.",
    fix: "Take the table out of `testData.tables` and let the tests write nothing into it. Rows of a pipeline can be deleted where the pipeline reads them.",
  },
  EA3020: {
    title: "The snapshot of a structure cannot be read",
    meaning:
      "A file that `env-actions staging drift` should compare with is no snapshot of a catalog's structure, was edited by hand, or was written by another version of env-actions.",
    fix: "Write the snapshot again, or take it back from the history of the repository.",
  },
} as const satisfies Record<string, ErrorEntry>;

/** 4xxx: Redis. */
export const redisErrors = {
  EA4001: {
    title: "Redis is unreachable",
    meaning: "No Redis answers at the address, or the connection broke. TLS and plain connections may be mixed up.",
    fix: "Check host, port and `redis://` or `rediss://`. Check that the server is running, and that the firewall allows the connection.",
  },
  EA4002: {
    title: "Redis refused the sign-in",
    meaning: "User or password is wrong or missing.",
    fix: "Correct the variable that `redis.url` refers to. Percent-encode special characters of the password.",
  },
  EA4003: {
    title: "Redis refused a command",
    meaning: "The user may not run the command, or the server cannot run it in its current state.",
    fix: "Grant the command to the user. See [what a user needs](../redis.md#what-a-user-needs).",
  },
  EA4004: {
    title: "A request to Redis was cancelled",
    meaning: "The budget of the stage was used up, or the run was cancelled.",
    fix: "Raise the budget of the stage if it is too short.",
  },
} as const satisfies Record<string, ErrorEntry>;
