import { readFile } from "node:fs/promises";
import * as core from "@actions/core";
import { evidenceInArtifacts } from "../evidence/store.ts";
import { isReplaced, jobsOf, judgeFinishedRun, pullRequestOf, readFinishedRun } from "../gate/finished-run.ts";
import { gateMarkdown } from "../gate/texts.ts";
import { type GitHub, GitHubError, gitHub } from "../github/api.ts";
import { artifactsOfRun } from "../github/run-artifacts.ts";
import { errorText } from "../lib/error-text.ts";
import { type Evidence, stageNames } from "../model/report.ts";
import { UserError } from "../model/user-error.ts";
import { logLine } from "../report/inert.ts";
import { cut } from "../report/words.ts";
import type { SecretKeeper } from "../stages/context.ts";
import { inputOf } from "./inputs.ts";

/**
 * Writes the result of a gate on its pull request, in a `workflow_run` workflow. It is for pull requests from forks, whose own token may
 * not write. It runs no code of theirs, and believes nothing that their run left.
 * @returns the exit status
 * @throws UserError
 */
export async function comment(env: NodeJS.ProcessEnv, secrets: SecretKeeper): Promise<number> {
  const run = readFinishedRun(await eventOf(env));
  const [owner, repo] = (env.GITHUB_REPOSITORY ?? "").split("/");
  if (!run || !owner || !repo)
    throw new UserError(
      "EA1104",
      `the action \`comment\` follows a finished workflow run: expected the event workflow_run, got ${env.GITHUB_EVENT_NAME || "none"}. Write \`on: { workflow_run: { workflows: [<name of the gate's workflow>], types: [completed] } }\``,
    );
  const say = (text: string) => core.info(logLine(cut(secrets.redact(text), longestLine)));
  if (run.event !== "pull_request") {
    say(`No comment: the run was started by ${run.event}, and belongs to no pull request.`);
    return 0;
  }
  try {
    const api = await gitHub(inputOf(env, "github-token") || undefined, env);
    const place = { owner, repo };
    const pull = await pullRequestOf(api, place, run);
    if ("none" in pull) {
      say(`No comment: ${pull.none}.`);
      return 0;
    }
    if (await isReplaced(api, place, run)) {
      say("No comment: a newer run or attempt has taken the place of this one, and will write its own result.");
      return 0;
    }
    const job = inputOf(env, "job") || "gate";
    const jobs = await jobsOf(api, place, run);
    const { evidence, problems } = await evidenceOf(api, { ...place, run: run.id });
    for (const problem of problems) core.warning(logLine(cut(secrets.redact(problem), longestLine)));
    const environment = inputOf(env, "environment") || undefined;
    const facts = { jobs, job, run, evidence, environment, repository: `${owner}/${repo}`, now: Date.now() };
    const result = judgeFinishedRun(facts);
    core.setOutput("verdict", result.outcome);
    const text = secrets.redact(`${gateMarkdown(result, run.headSha)}\n${origin}\n`);
    const { writeComment } = await import("../gate/comment.ts");
    const written = await writeComment(
      api,
      { ...place, number: pull.number, gate: `workflow_run\n${run.workflow}\n${job}` },
      text,
    );
    say(`The comment on pull request ${pull.number}: ${written}.`);
    return 0;
  } catch (error) {
    if (!(error instanceof GitHubError)) throw error;
    core.error(logLine(cut(secrets.redact(`The comment could not be written: ${errorText(error)}`), longestLine)), {
      title: "env-actions comment",
    });
    return 1;
  }
}

const longestLine = 4_000;
const origin =
  "The verdict and the jobs are GitHub's own record. The stages are read from the run's artifacts, which its code could have written. The workflow itself is the pull request's: look at what it changes in `.github`.";

async function eventOf(env: NodeJS.ProcessEnv): Promise<unknown> {
  if (env.GITHUB_EVENT_NAME !== "workflow_run" || !env.GITHUB_EVENT_PATH) return undefined;
  try {
    return JSON.parse(await readFile(env.GITHUB_EVENT_PATH, "utf8"));
  } catch {
    // The message about the missing event is the same.
    return undefined;
  }
}

/** The jobs of a repository share a thousand requests an hour, and a fork's run may have any number of artifacts. */
const mostDownloads = 100;

/** What can't be read is left out of the table: the verdict doesn't depend on it. */
async function evidenceOf(
  api: GitHub,
  place: { owner: string; repo: string; run: number },
): Promise<{ evidence: Evidence[]; problems: string[] }> {
  const artifacts = artifactsOfRun(api, place, { mostDownloads });
  const found = await Promise.all(stageNames.map((stage) => evidenceInArtifacts(artifacts, stage)));
  return { evidence: found.flatMap(({ evidence }) => evidence), problems: found.flatMap(({ problems }) => problems) };
}
