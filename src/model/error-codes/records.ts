import type { ErrorEntry } from "./entry.ts";

/** 8xxx: evidence and the audit log. */
export const recordErrors = {
  EA8001: {
    title: "There is no audit log",
    meaning: "No stage has written an audit log in this folder.",
    fix: "Change to the folder in which the stage ran. On a runner, a redacted copy of the log is in the artifact `env-actions-page-…`, not in that of the report: see [how to keep it](../guides/cleanup-by-hand.md#the-audit-log).",
  },
  EA8002: {
    title: "Unknown run",
    meaning: "The audit log has no lines of the named run.",
    fix: "Use the suggested run id, or leave out `--run`.",
  },
  EA8003: {
    title: "Invalid head of the audit log",
    meaning: "`--head` doesn't have the form `42:<64 hex digits>`.",
    fix: "Copy the output `audit-head` of the stage.",
  },
  EA8004: {
    title: "The audit log cannot be written",
    meaning: "A line could not be added to `.env-actions/audit.jsonl`. What it would record may have happened.",
    fix: "Check free space and access rights. If the log is damaged, move it away and keep it.",
  },
  EA8005: {
    title: "Evidence cannot be read",
    meaning: "The file or artifact of an earlier stage is missing, damaged, or written by another version of env-actions.",
    fix: "Run the earlier stage again, with the same version.",
  },
  EA8006: {
    title: "The audit log changed",
    meaning: "A line that `env-actions audit report` had verified was changed before the report was printed to its end.",
    fix: "Run the command again. Only ever append to the log.",
  },
  EA8007: {
    title: "The evidence folder cannot be used",
    meaning:
      "The folder that `evidence.store` names is missing on this machine, or can't be read or written. The verdict of the stages of other jobs is then unknown.",
    fix: "Create the folder, mount the share, or give the runner's user the right to read and write there. See [evidence without artifacts](../guides/self-hosted-and-ghes.md#evidence-without-artifacts).",
  },
  EA8008: {
    title: "A file for verifying evidence cannot be read",
    meaning:
      "The bundle, the evidence or the trusted root that `env-actions evidence verify` should read is missing, too large, or no such file.",
    fix: "Check the paths. `gh attestation trusted-root > trusted_root.jsonl` writes the trusted root.",
  },
} as const satisfies Record<string, ErrorEntry>;

/** 9xxx: GitHub and the machine. */
export const machineErrors = {
  EA9001: {
    title: "There is no GitHub token, or no GitHub address",
    meaning: "The job has no token for GitHub's API, or `GITHUB_API_URL` is not an address.",
    fix: "Pass the input `github-token` to the step.",
  },
  EA9002: {
    title: "GitHub refused the token",
    meaning: "The token is wrong or has expired.",
    fix: "Use `${{ github.token }}`, or create a new token.",
  },
  EA9003: {
    title: "The GitHub token lacks a permission",
    meaning: "The job's token may not do this. On pull requests from forks, a token can only read.",
    fix: "Add the permissions that the message names to the job.",
  },
  EA9004: {
    title: "Not found on GitHub",
    meaning: "What was asked for doesn't exist, or the token may not see it.",
    fix: "Check the name, and the permissions of the token.",
  },
  EA9005: {
    title: "GitHub limits the rate of requests",
    meaning: "The limit lasts longer than the stage can wait.",
    fix: "Run the job again later, or run fewer jobs at the same time.",
  },
  EA9006: {
    title: "GitHub didn't answer",
    meaning: "GitHub could not be reached, or answered with an error, several times.",
    fix: "Look at [githubstatus.com](https://www.githubstatus.com), and run the job again.",
  },
  EA9007: {
    title: "A request to GitHub was cancelled",
    meaning: "The budget of the stage was used up, or the run was cancelled.",
    fix: "Raise the budget of the stage if it is too short.",
  },
  EA9008: {
    title: "GitHub refused a request",
    meaning: "GitHub understood the request and refused it.",
    fix: "The message quotes GitHub's reason.",
  },
  EA9009: {
    title: "A GitHub artifact cannot be used",
    meaning: "The artifact service refused, or an artifact is missing or damaged.",
    fix: "Run the job again. If the artifact has expired, run the stage that wrote it.",
  },
  EA9101: {
    title: "The folder .env-actions is not writable",
    meaning: "Everything that a stage records goes to `.env-actions/`, and this user may not write there, or the disk is full.",
    fix: "Give this user the right to write to it, free space, or set `working-directory` to another folder.",
  },
  EA9102: {
    title: "A link or special file is in the way",
    meaning:
      "A file of env-actions, or one that it should read, is a link, a hard link or not a regular file. Links are not followed, because they could lead outside the workspace.",
    fix: "Remove the link, and find out who made it.",
  },
  EA9199: {
    title: "Unexpected error",
    meaning: "An error that env-actions doesn't know. It can be a bug in env-actions.",
    fix: "[Report it](https://github.com/classwaves/env-actions/issues) with the message and the lines below it.",
  },
  EA9201: {
    title: "A variable names no proxy",
    meaning: "`HTTPS_PROXY` or `HTTP_PROXY` is set, but its value is not the address of an HTTP proxy.",
    fix: "Write `http://host:port` or `https://host:port`, with `user:password@` before the host if the proxy asks for it. SOCKS is not supported. Unset the variable to connect directly.",
  },
  EA9202: {
    title: "The proxy refused, or cannot be used",
    meaning:
      "The proxy that `HTTPS_PROXY` or `HTTP_PROXY` names cannot be reached, asks for a sign-in (HTTP 407), or doesn't allow the connection (HTTP 403). Nothing reached the target, so nothing is known about it.",
    fix: "Check the variable that the message names and the rules of the proxy, or add the target to `NO_PROXY`. See [behind a proxy](../guides/self-hosted-and-ghes.md#behind-a-proxy).",
  },
  EA9203: {
    title: "The proxy could not reach the target",
    meaning: "The proxy works, but has no connection to the target: it answered HTTP 502, 503 or 504 before anything was sent.",
    fix: "Check whether the target is up, and whether the proxy resolves and reaches its name. If only this machine reaches it, add it to `NO_PROXY`.",
  },
} as const satisfies Record<string, ErrorEntry>;
