import type { Answer, Asked, Endpoints } from "../endpoint.ts";
import { notFound, unprocessable } from "../refusals.ts";
import type { Deployment, Environment, PendingDeployment, WorkflowRun } from "../repository.ts";
import { renderDeployment } from "./deployments.ts";
import { runOf } from "./runs.ts";
import { userNamed } from "./users.ts";

const reads = { permission: "actions", access: "read" } as const;
const writes = { permission: "deployments", access: "write" } as const;

/** Environments with rules, and the deployments that wait for them. */
export const approvalEndpoints: Endpoints = {
  "repos/get-environment": { needs: reads, answer: getEnvironment },
  "repos/get-all-deployment-protection-rules": { needs: reads, answer: listRules },
  "actions/get-pending-deployments-for-run": { needs: reads, answer: listPending },
  "actions/get-reviews-for-run": { needs: reads, answer: listReviews },
  "actions/review-custom-gates-for-run": { needs: writes, answer: answerRule },
  "actions/review-pending-deployments-for-run": { needs: writes, answer: review },
};

const longestComment = 1_024;
/** A rule's app may report this often for a deployment. */
const mostReports = 10;

function named({ environments }: Asked["repository"], name: string | undefined): Environment | undefined {
  return environments.find((one) => one.name.toLowerCase() === name?.toLowerCase());
}

function getEnvironment(asked: Asked): Answer {
  const environment = named(asked.repository, asked.path.environment_name);
  if (!environment) return notFound();
  const { waitMinutes, reviewers, preventSelfReview = false, apps } = environment;
  const rules = [
    ...(waitMinutes === undefined ? [] : [{ type: "wait_timer", wait_timer: waitMinutes }]),
    ...(reviewers === undefined
      ? []
      : [
          {
            type: "required_reviewers",
            prevent_self_review: preventSelfReview,
            reviewers: reviewers.map((one) => renderReviewer(one, asked)),
          },
        ]),
    ...apps.map(() => ({ type: "custom_rule" })),
  ];
  return {
    status: 200,
    body: {
      ...renderEnvironment(environment, asked),
      created_at: new Date(0).toISOString(),
      updated_at: new Date(0).toISOString(),
      protection_rules: rules.map((rule, at) => ({ id: at + 1, node_id: `GA_${at}`, ...rule })),
      deployment_branch_policy: null,
    },
  };
}

function listRules(asked: Asked): Answer {
  const environment = named(asked.repository, asked.path.environment_name);
  if (!environment) return notFound();
  const all = [
    ...environment.apps.map((slug) => ({ slug, enabled: true })),
    ...(environment.disabledApps ?? []).map((slug) => ({ slug, enabled: false })),
  ];
  const rules = all.map(({ slug, enabled }, at) => ({
    id: at + 1,
    node_id: `DPR_${at}`,
    enabled,
    app: { id: at + 1, slug, integration_url: `${asked.url}/apps/${slug}`, node_id: `A_${at}` },
  }));
  return { status: 200, body: { total_count: rules.length, custom_deployment_protection_rules: rules } };
}

function listPending(asked: Asked): Answer {
  const run = runOf(asked);
  return run ? { status: 200, body: run.pending.map((one) => renderPending(one, run, asked)) } : notFound();
}

function renderPending({ environment: name, needsReview, timerStartedAt }: PendingDeployment, run: WorkflowRun, asked: Asked) {
  const environment = named(asked.repository, name);
  if (!environment) throw new Error(`the stand-in has no environment ${name}`);
  return {
    environment: renderEnvironment(environment, asked),
    wait_timer: timerStartedAt === undefined ? 0 : (environment.waitMinutes ?? 0),
    wait_timer_started_at: timerStartedAt === undefined ? null : new Date(timerStartedAt).toISOString(),
    current_user_can_approve: needsReview && mayReview(environment, run, asked.login),
    reviewers: (environment.reviewers ?? []).map((one) => renderReviewer(one, asked)),
  };
}

function mayReview({ reviewers = [], preventSelfReview }: Environment, run: WorkflowRun, login: string): boolean {
  return reviewers.includes(login) && !(preventSelfReview && login === run.triggeringActor);
}

function renderReviewer(name: string, { url }: Asked): object {
  if (!name.startsWith("@")) return { type: "User", reviewer: userNamed(name, url) };
  const slug = name.slice(1);
  return {
    type: "Team",
    reviewer: {
      ...{ id: 1, node_id: "T_1", name: slug, slug, description: null, privacy: "closed", permission: "push", parent: null },
      ...{ url: `${url}/teams/1`, html_url: `${url}/orgs/classwaves/teams/${slug}`, members_url: `${url}/teams/1/members` },
      repositories_url: `${url}/teams/1/repos`,
      ...{ type: "organization", notification_setting: "notifications_enabled" },
    },
  };
}

function renderEnvironment({ id, name }: Environment, { url, repository }: Asked): object {
  const path = `${repository.owner}/${repository.name}`;
  return {
    id,
    node_id: `EN_${id}`,
    name,
    url: `${url}/repos/${path}/environments/${encodeURIComponent(name)}`,
    html_url: `${url}/${path}/deployments`,
  };
}

function listReviews(asked: Asked): Answer {
  const run = runOf(asked);
  if (!run) return notFound();
  const reviews = run.reviews.map(({ environments, state, login, comment }) => ({
    environments: environments.flatMap((name) => {
      const environment = named(asked.repository, name);
      return environment ? [renderEnvironment(environment, asked)] : [];
    }),
    state,
    user: userNamed(login, asked.url),
    comment,
  }));
  return { status: 200, body: reviews };
}

function answerRule(asked: Asked): Answer {
  const run = runOf(asked);
  if (!run) return notFound();
  const {
    environment_name: name,
    state,
    comment = "",
  } = asked.body as { environment_name: string; state?: "approved" | "rejected"; comment?: string };
  const app = asked.login.replace(/\[bot\]$/, "");
  if (!named(asked.repository, name)?.apps.includes(app)) return notFound();
  if (comment.length > longestComment) return unprocessable(`comment is too long (maximum is ${longestComment} characters)`);
  if (run.ruleAnswers.filter((one) => one.app === app && one.environment === name).length >= mostReports)
    return unprocessable("Too many reports");
  const waiting = run.pending.filter((one) => one.environment === name && one.apps.includes(app));
  if (waiting.length === 0) return unprocessable("No pending deployment of this environment waits for this app");
  run.ruleAnswers.push({ app, environment: name, state, comment });
  for (const one of waiting) {
    if (state === undefined) continue;
    one.apps = one.apps.filter((slug) => slug !== app);
    if (state === "rejected" || isReady(one)) run.pending = run.pending.filter((other) => other !== one);
  }
  return { status: 204 };
}

function isReady({ apps, needsReview, timerStartedAt }: PendingDeployment): boolean {
  return apps.length === 0 && !needsReview && timerStartedAt === undefined;
}

function review(asked: Asked): Answer {
  const run = runOf(asked);
  if (!run) return notFound();
  const {
    environment_ids: ids,
    state,
    comment,
  } = asked.body as {
    environment_ids: number[];
    state: "approved" | "rejected";
    comment: string;
  };
  const environments = asked.repository.environments.filter(({ id }) => ids.includes(id));
  const waiting = run.pending.filter((one) => one.needsReview && environments.some(({ name }) => name === one.environment));
  if (environments.length !== ids.length || waiting.length === 0)
    return unprocessable("There are no pending deployment requests to approve or reject");
  if (!environments.every((one) => mayReview(one, run, asked.login)))
    return unprocessable("You are not allowed to review this deployment");
  run.reviews.push({ environments: environments.map(({ name }) => name), state, login: asked.login, comment });
  for (const one of waiting) {
    one.needsReview = false;
    if (state === "rejected" || isReady(one)) run.pending = run.pending.filter((other) => other !== one);
  }
  return { status: 200, body: waiting.map(({ environment }) => renderDeployment(deploymentTo(environment, run, asked), asked)) };
}

function deploymentTo(environment: string, { headSha }: WorkflowRun, { newId, now, repository }: Asked): Deployment {
  const deployment: Deployment = {
    ...{ id: newId(), sha: headSha, ref: "main", task: "deploy", payload: {}, environment, description: null },
    ...{ transient: false, production: environment === "production", creator: "github-actions[bot]" },
    ...{ createdAt: now, updatedAt: now, statuses: [] },
  };
  repository.deployments.push(deployment);
  return deployment;
}
