import { readFile } from "node:fs/promises";
import { join, relative, resolve } from "node:path";
import * as core from "@actions/core";
import { makeDashboard } from "../app/dashboard.ts";
import { historySettings } from "../config/history-settings.ts";
import { newestIn } from "../dashboard/page.ts";
import { dashboardView } from "../dashboard/view/view.ts";
import { GitHubError, gitHub } from "../github/api.ts";
import { runFacts } from "../github/approvals.ts";
import { listedArtifacts } from "../github/run-artifacts.ts";
import { type RunTruth, whyForeignRun, whyUntrue } from "../history/claims.ts";
import { collectRun } from "../history/collect.ts";
import { chooseStore } from "../history/store/choose.ts";
import { HistoryFailure, type HistoryStore } from "../history/store/store.ts";
import { count } from "../lib/count.ts";
import { errorText } from "../lib/error-text.ts";
import { recordsDirectory } from "../lib/plain-file.ts";
import { UserError } from "../model/user-error.ts";
import type { SecretKeeper } from "../stages/context.ts";
import { dashboardSummary } from "./dashboard-summary.ts";
import { inLog, publish } from "./gate.ts";
import { limits } from "./input-limits.ts";
import { inputOf } from "./inputs.ts";
import { inputs } from "./interface.ts";
import { type Published, readPublished } from "./published.ts";

/** In the workspace's records. */
const pageFile = "dashboard/index.html";

/**
 * Collects the records of a workflow run, joins old ones, and makes the dashboard. It runs no stage, and believes no record that
 * another repository's code could have written.
 * @returns the exit status
 * @throws UserError
 */
export async function dashboard(env: NodeJS.ProcessEnv, secrets: SecretKeeper): Promise<number> {
  process.exitCode = 3;
  // Until it is known: a step that ends early must not publish.
  core.setOutput("publish", "false");
  const asked = readAsked(env);
  const say = (text: string) => core.info(inLog(secrets.redact(text)));
  const warn = (text: string) => core.warning(inLog(secrets.redact(text)), { title: "env-actions dashboard" });
  const notes: string[] = [];
  try {
    const { store, keep } = await openStore(env, asked);
    if (asked.run !== undefined) notes.push(...(await collect(env, asked, asked.run, store)));
    let found: Awaited<ReturnType<HistoryStore["all"]>> = { records: [], unreadable: [] };
    const noted: HistoryStore = {
      ...store,
      async all() {
        found = await store.all();
        return found;
      },
    };
    const now = Date.now();
    const { workspace, staleAfterMs } = asked;
    const out = join(workspace, recordsDirectory, pageFile);
    const made = await makeDashboard({ store: noted, keep, now, out, workspace, staleAfterMs });
    if (made.notCompacted !== undefined) notes.push(made.notCompacted);
    for (const note of notes) warn(note);
    const { newest } = made;
    const decision = await mayPublish(asked.published, newest);
    core.setOutput("page", relative(env.GITHUB_WORKSPACE ?? ".", made.file).replaceAll("\\", "/"));
    core.setOutput("newest", newest ?? "");
    core.setOutput("publish", String(decision.publish));
    say(`${count(made.records, "record")} from ${store.place}${newest ? `, the newest of ${newest}` : ""}; ${decision.why}`);
    const view = dashboardView(found.records, { now, staleAfterMs, unreadable: found.unreadable });
    await publish(secrets.redact(dashboardSummary(view, { notes, decision: decision.why })));
    return 0;
  } catch (error) {
    if (!(error instanceof GitHubError || error instanceof HistoryFailure)) throw error;
    core.error(inLog(secrets.redact(`No dashboard was made: ${errorText(error)}`)), { title: "env-actions dashboard" });
    return 1;
  }
}

interface Asked {
  config: string;
  workspace: string;
  githubToken: string | undefined;
  repository: { owner: string; repo: string };
  run: number | undefined;
  branch: string | undefined;
  published: string | undefined;
  staleAfterMs: number;
}

/** @throws UserError */
function readAsked(env: NodeJS.ProcessEnv): Asked {
  const wrong = (name: string, expected: string, text: string) =>
    new UserError("EA1104", `the input \`${name}\`: expected ${expected}, got "${text}"`);
  const [owner, repo] = (env.GITHUB_REPOSITORY ?? "").split("/");
  if (!owner || !repo)
    throw new UserError(
      "EA1104",
      "dashboard runs in a job of GitHub Actions only, because GITHUB_REPOSITORY is not set here: in a terminal, use `env-actions dashboard`",
    );
  const runText = inputOf(env, "run-id");
  const run = runText === "" ? undefined : Number(runText);
  if (run !== undefined && !(Number.isSafeInteger(run) && run > 0))
    throw wrong("run-id", "the number of a workflow run", runText);
  const published = inputOf(env, "published");
  if (published !== "" && !isPublicAddress(published))
    throw wrong(
      "published",
      "an address with https and without a password, such as https://classwaves.github.io/app/",
      published,
    );
  const stale = inputOf(env, "stale-after") || inputs["stale-after"].default;
  const staleAfterMs = limits["stale-after"].read(stale);
  if (!staleAfterMs) throw wrong("stale-after", limits["stale-after"].expected, stale);
  return {
    config: inputOf(env, "config") || inputs.config.default,
    workspace: resolve(env.GITHUB_WORKSPACE ?? ".", inputOf(env, "working-directory") || "."),
    githubToken: inputOf(env, "github-token") || undefined,
    repository: { owner, repo },
    ...{ run, staleAfterMs },
    branch: inputOf(env, "branch") || undefined,
    published: published || undefined,
  };
}

function isPublicAddress(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, username, password } = new URL(text);
  return protocol === "https:" && username === "" && password === "";
}

/** @throws UserError, HistoryFailure */
async function openStore(
  env: NodeJS.ProcessEnv,
  { config, workspace, branch, githubToken }: Asked,
): Promise<{ store: HistoryStore; keep: number }> {
  const settings = await historySettings(config, { cwd: workspace, env, optional: config === inputs.config.default });
  const store = await chooseStore({
    ...{ store: branch === undefined ? settings.store : { branch }, records: join(workspace, recordsDirectory), workspace, env },
    ...(githubToken ? { githubToken } : {}),
  });
  if (store) return { store, keep: settings.keep };
  throw new UserError(
    "EA8150",
    `history.store is none in ${config}, so there is nothing to show: set it to artifacts or to a branch`,
  );
}

/**
 * @returns what was not collected, as sentences
 * @throws GitHubError, HistoryFailure
 */
async function collect(env: NodeJS.ProcessEnv, asked: Asked, id: number, into: HistoryStore): Promise<string[]> {
  const { repository, githubToken } = asked;
  const api = await gitHub(githubToken, env);
  const facts = await runFacts(api, { ...repository, run_id: id });
  if (!facts)
    throw new UserError(
      "EA8151",
      `workflow run ${id} of ${repository.owner}/${repository.repo} was not found: the input \`run-id\` must be one of this repository, and the job needs \`actions: read\``,
    );
  const truth: RunTruth = { ...facts, id, defaultBranch: await defaultBranchOf(env) };
  const foreign = whyForeignRun(truth);
  if (foreign !== undefined) return [`Nothing of workflow run ${id} was collected: ${foreign}.`];
  const believed = believing(into, truth);
  const { added, unreadable } = await collectRun({
    from: listedArtifacts(api, { ...repository, run: id }),
    into: believed.store,
  });
  core.info(inLog(`${count(added, "record")} of workflow run ${id} added to ${into.place}`));
  return [...believed.refused, ...unreadable.map(({ name, why }) => `${name} was not collected: ${why}.`)];
}

/** Passes on the records of this run only, if what they say is true. */
function believing(
  into: HistoryStore,
  run: RunTruth,
): { store: Pick<HistoryStore, "add" | "addAll" | "all">; refused: string[] } {
  const refused: string[] = [];
  const isTrue = (record: Parameters<HistoryStore["add"]>[0]) => {
    const why = whyUntrue(record, run, Date.now());
    if (why !== undefined) refused.push(`The record ${record.runId} of ${record.stage} was not collected: ${why}.`);
    return why === undefined;
  };
  const { addAll } = into;
  return {
    refused,
    store: {
      all: () => into.all(),
      add: async (record) => (isTrue(record) ? await into.add(record) : undefined),
      ...(addAll ? { addAll: (records) => addAll.call(into, records.filter(isTrue)) } : {}),
    },
  };
}

/** As GitHub itself wrote it into this job's event. */
async function defaultBranchOf({ GITHUB_EVENT_PATH: file }: NodeJS.ProcessEnv): Promise<string | undefined> {
  try {
    const event = JSON.parse(await readFile(file ?? "", "utf8")) as { repository?: { default_branch?: unknown } } | null;
    const branch = event?.repository?.default_branch;
    return typeof branch === "string" ? branch : undefined;
  } catch {
    // Then no record may say that it is of the default branch.
    return undefined;
  }
}

interface Decision {
  publish: boolean;
  /** In a sentence. */
  why: string;
}

/** @throws nothing: a page that can't be read may be newer */
async function mayPublish(address: string | undefined, newest: string | undefined): Promise<Decision> {
  if (address === undefined)
    return { publish: true, why: "no published page was compared, because the input published is empty" };
  return judgePublished(await readPublished(address), newest);
}

export function judgePublished(published: Published, newest: string | undefined): Decision {
  if (published.is === "absent") return { publish: true, why: "nothing is published yet" };
  if (published.is === "unknown")
    return { publish: false, why: `not to be published, because the published page may be newer: ${published.why}` };
  const theirs = newestIn(published.page);
  if (theirs === undefined)
    return {
      publish: false,
      why: "not to be published, because the address shows another page, or a dashboard without records: to replace it once, leave the input published empty",
    };
  if (newest === undefined || Date.parse(newest) < Date.parse(theirs))
    return { publish: false, why: `not to be published, because the published page has newer data, of ${theirs}` };
  return { publish: true, why: `the published page has data of ${theirs}` };
}
