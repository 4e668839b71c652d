import type { Release } from "./release.ts";

/** The state of a repository. Times are milliseconds. */
export interface Repository {
  owner: string;
  name: string;
  /** Branches and tags with their commits. */
  refs: Record<string, string>;
  /** The folder of a bare repository: what Git's API reads and writes, and where publishing a release creates its tag. */
  git: string | undefined;
  /** How many entries a recursive list of a tree has before it is cut off; as on GitHub if absent. */
  mostListed?: number;
  deployments: Deployment[];
  /** In order of arrival. */
  dispatches: Dispatch[];
  /** Of issues and pull requests, oldest first. */
  comments: Comment[];
  /** Oldest first. */
  statuses: CommitStatus[];
  /** Oldest first. */
  releases: Release[];
  isPrivate: boolean;
  environments: Environment[];
  runs: WorkflowRun[];
  artifacts: Artifact[];
}

/** Of a workflow run. */
export interface Artifact {
  /** Grows. */
  id: number;
  name: string;
  /** ZIP. */
  archive: Buffer;
  /** The id of the workflow run. */
  run: number;
  expired?: boolean;
  /** The id of the repository that has the commit, if it is a fork; the repository itself has the id 1. */
  headRepository?: number;
}

/** What anybody with write access says of a commit. */
export interface CommitStatus {
  id: number;
  sha: string;
  context: string;
  state: string;
  description: string | null;
  targetUrl: string | null;
  creator: string;
  createdAt: number;
}

export interface Environment {
  id: number;
  name: string;
  /** Logins of people and `@` with slugs of teams; undefined: nobody has to review. */
  reviewers?: string[];
  preventSelfReview?: boolean;
  waitMinutes?: number;
  /** Slugs of the apps whose rule is on. */
  apps: string[];
  /** Slugs of the apps whose rule is off. */
  disabledApps?: string[];
}

/** `waiting`: for the rules of an environment. */
export type JobStatus = "queued" | "in_progress" | "completed" | "waiting";

export interface WorkflowRun {
  id: number;
  attempt: number;
  headSha: string;
  /** `owner/name`; the repository itself if absent. */
  headRepository?: string;
  /** `main` if absent. */
  headBranch?: string;
  event: string;
  status: "queued" | "in_progress" | "completed" | "waiting";
  conclusion: string | null;
  /** Logins. */
  actor: string;
  triggeringActor: string;
  /** Of this attempt. */
  startedAt: number;
  jobs: { id: number; name: string; status: JobStatus; conclusion: "success" | "failure" | "cancelled" | "skipped" | null }[];
  pending: PendingDeployment[];
  /** Newest last. */
  reviews: Review[];
  /** What apps answered or commented; `state` is undefined for a comment alone. */
  ruleAnswers: { app: string; environment: string; state: "approved" | "rejected" | undefined; comment: string }[];
}

/** A deployment that waits; it goes on once nothing of this is left. */
export interface PendingDeployment {
  environment: string;
  /** Apps that have not answered. */
  apps: string[];
  /** Whether a reviewer is still missing. */
  needsReview: boolean;
  /** undefined: the timer is over, or there is none. */
  timerStartedAt?: number;
}

export interface Review {
  environments: string[];
  state: "approved" | "rejected" | "pending";
  login: string;
  comment: string;
}

export interface Comment {
  id: number;
  /** The number of the issue or pull request. */
  issue: number;
  /** The author's login. */
  author: string;
  body: string;
  createdAt: number;
  updatedAt: number;
}

/** An event that starts workflow runs; here it doesn't start any. */
export type Dispatch =
  | { kind: "workflow_dispatch"; workflow: string; ref: string; inputs: Record<string, unknown> }
  | { kind: "repository_dispatch"; type: string; payload: Record<string, unknown> };

export interface Deployment {
  id: number;
  sha: string;
  ref: string;
  task: string;
  payload: unknown;
  environment: string;
  description: string | null;
  transient: boolean;
  production: boolean;
  /** The creator's login. */
  creator: string;
  createdAt: number;
  updatedAt: number;
  /** Oldest first. */
  statuses: DeploymentStatus[];
}

export type DeploymentState = "error" | "failure" | "inactive" | "pending" | "success" | "queued" | "in_progress";

export interface DeploymentStatus {
  id: number;
  state: DeploymentState;
  creator: string;
  description: string;
  environment: string;
  targetUrl: string;
  logUrl: string;
  environmentUrl: string;
  createdAt: number;
}
