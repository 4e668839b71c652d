/** What the stand-in keeps of a repository. Times are milliseconds. */
export interface Repository {
  owner: string;
  name: string;
  /** Branches and tags, and the commit each stands at. */
  refs: Record<string, string>;
  deployments: Deployment[];
  /** In the order of their arrival. */
  dispatches: Dispatch[];
}

/** An event that starts runs; no run is made of it here. */
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
  /** Login. */
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
