/**
 * Every environment variable that env-actions sets or reads. The reference page is generated from this list, and a test compares
 * the list with the code.
 */

export interface VariableGroup {
  title: string;
  /** Markdown before and after the table. */
  before?: string;
  after?: string;
  /** The heading of the second column, if it isn't their meaning. */
  column?: string;
  /** `INPUT_*`: all that begin with INPUT_. `NAME`: any. */
  variables: readonly { names: readonly string[]; meaning: string }[];
}

export const environmentVariables: readonly VariableGroup[] = [
  {
    title: "For servers and tests",
    before:
      "env-actions sets these for test commands, and the first five for servers too. Servers and tests also get the environment of the step, `environment` of the configuration, and nothing that [belongs to the runner](../trust.md#what-env-actions-does).",
    variables: [
      { names: ["ENV_ACTIONS_RUN_ID"], meaning: "This execution of the stage, `<ms>_<8 hex>`" },
      {
        names: ["ENV_ACTIONS_PREFIX"],
        meaning: "What the ids of test data must begin with: the stage's prefix and the run's id",
      },
      {
        names: ["ENV_ACTIONS_PREFIXES"],
        meaning: "Every prefix that cleanup looks for before the run's id, separated by spaces",
      },
      { names: ["ENV_ACTIONS_LEDGER"], meaning: "The file to which tests append what the prefix doesn't identify" },
      { names: ["ENV_ACTIONS_ENVIRONMENT"], meaning: "The environment's name" },
      { names: ["ENV_ACTIONS_TOKENS"], meaning: "The file with a test token for each role" },
      {
        names: ["ENV_ACTIONS_SHARD", "ENV_ACTIONS_SHARDS"],
        meaning:
          "Which part of the tests this is, from 1, and of how many; 1 of 1 without `stages.e2e.shards` and without several jobs",
      },
      {
        names: ["ENV_ACTIONS_PROCESS"],
        meaning: "Marks the processes that env-actions started, so that it can end them. Don't set or remove it",
      },
    ],
    after: "[Test data](../guides/test-data.md) shows how to use them.",
  },
  {
    title: "For a rollback command",
    variables: [
      { names: ["ENV_ACTIONS_DEPLOYMENT"], meaning: "The id of the deployment that smoke followed; empty without one" },
      { names: ["ENV_ACTIONS_COMMIT"], meaning: "The commit that failed" },
      { names: ["ENV_ACTIONS_ENVIRONMENT"], meaning: "The environment's name" },
      { names: ["ENV_ACTIONS_VERDICT"], meaning: "`failed` or `error`" },
    ],
  },
  {
    title: "That you may set",
    variables: [
      {
        names: ["ENV_ACTIONS_RUN_ID"],
        meaning:
          "In a terminal: the id of this execution, or the run that `cleanup` with scope `run` deletes. On a runner it is an error for every stage but `cleanup`",
      },
      {
        names: ["ENV_ACTIONS_SHARD", "ENV_ACTIONS_SHARDS"],
        meaning:
          "Which part of the tests this job has, from 1, and of how many, such as `${{ matrix.shard }}` and, if the matrix has no other axis, `${{ strategy.job-total }}`. With `stages.e2e.shards` each part is divided again",
      },
      {
        names: ["ENV_ACTIONS_AUDIT_KEY"],
        meaning: "The key with which `env-actions audit verify` and `audit report` check the log. The same value as `audit.key`",
      },
      {
        names: ["GITHUB_TOKEN"],
        meaning: "In a terminal: the token with which a history on GitHub is read, if `history.store` is a branch or `artifacts`",
      },
      { names: ["NAME"], meaning: "The configuration takes it with `${NAME}`" },
    ],
  },
  {
    title: "Of Databricks, for what the configuration leaves out",
    column: "Stands for",
    variables: [
      { names: ["DATABRICKS_HOST"], meaning: "`databricks.host`" },
      { names: ["DATABRICKS_WAREHOUSE_ID"], meaning: "`databricks.warehouse`" },
      { names: ["DATABRICKS_HTTP_PATH"], meaning: "`databricks.path`" },
      { names: ["DATABRICKS_CATALOG"], meaning: "`databricks.catalog`" },
      { names: ["DATABRICKS_AUTH_TYPE"], meaning: "Which way to sign in: `pat`, `oauth-m2m`, `github-oidc`" },
      { names: ["DATABRICKS_TOKEN"], meaning: "`databricks.token`" },
      { names: ["DATABRICKS_CLIENT_ID"], meaning: "`databricks.clientId`, or `databricks.oidc.clientId`" },
      { names: ["DATABRICKS_CLIENT_SECRET"], meaning: "`databricks.clientSecret`" },
      { names: ["DATABRICKS_TOKEN_AUDIENCE", "DATABRICKS_ACCOUNT_ID"], meaning: "`databricks.oidc.audience`" },
    ],
  },
  {
    title: "Of the system",
    variables: [
      {
        names: ["NODE_EXTRA_CA_CERTS"],
        meaning: "A file with further certificate authorities, as for any Node program; used for Databricks too",
      },
      {
        names: ["HTTPS_PROXY", "HTTP_PROXY"],
        meaning:
          "The proxy for addresses with `https:` and `wss:`, and for those with `http:` and `ws:`. Lower case wins. See [behind a proxy](../guides/self-hosted-and-ghes.md#behind-a-proxy)",
      },
      {
        names: ["NO_PROXY"],
        meaning: "What is asked directly: hosts, addresses and networks, each with or without a port, or `*`",
      },
      { names: ["CI"], meaning: "If it is set, `stages.e2e.install` also installs the system packages that browsers need" },
    ],
  },
  {
    title: "Of the GitHub runner",
    before: "The runner sets these. Don't set them yourself.",
    column: "Used for",
    variables: [
      { names: ["GITHUB_ACTIONS"], meaning: "Telling a runner from a terminal" },
      {
        names: [
          "GITHUB_REPOSITORY",
          "GITHUB_WORKFLOW",
          "GITHUB_WORKFLOW_REF",
          "GITHUB_RUN_ID",
          "GITHUB_RUN_ATTEMPT",
          "GITHUB_JOB",
          "GITHUB_ACTION",
          "GITHUB_ACTOR",
        ],
        meaning: "Where the run comes from; it is in the report and the evidence",
      },
      {
        names: ["GITHUB_SHA", "GITHUB_EVENT_NAME", "GITHUB_EVENT_PATH"],
        meaning: "Which commit is tested, and whether it is another repository's",
      },
      { names: ["GITHUB_REF", "GITHUB_HEAD_REF"], meaning: "Which branch is tested; it is in the history" },
      { names: ["GITHUB_WORKSPACE"], meaning: "The folder to which `working-directory` is relative" },
      { names: ["GITHUB_API_URL", "GITHUB_SERVER_URL"], meaning: "GitHub's address" },
      { names: ["GITHUB_STEP_SUMMARY"], meaning: "The job's summary" },
      {
        names: ["GITHUB_ENV", "GITHUB_PATH", "GITHUB_OUTPUT", "GITHUB_STATE"],
        meaning: "Compared before and after the stage; servers and tests don't get them",
      },
      { names: ["GITHUB_RETENTION_DAYS"], meaning: "How long artifacts are kept at most" },
      { names: ["ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_TOKEN"], meaning: "Requesting GitHub's id token" },
      { names: ["ACTIONS_RESULTS_URL", "ACTIONS_RUNTIME_TOKEN"], meaning: "Uploading and reading artifacts" },
      { names: ["INPUT_*", "STATE_*"], meaning: "Inputs, and what the post step needs to know" },
    ],
  },
];
