import type { Repository } from "./repository.ts";

/** A request that fits GitHub's description, from a token that may make it. */
export interface Asked {
  /** Of the stand-in, for the addresses in its answers: `http://127.0.0.1:4711`. */
  url: string;
  /** Of this request, without its query. */
  pathname: string;
  repository: Repository;
  /** Decoded. */
  path: Record<string, string>;
  query: URLSearchParams;
  /** As GitHub's description says; `{}` when none was sent. */
  body: unknown;
  /** Whose token it is. */
  login: string;
  /** Milliseconds. */
  now: number;
  newId(): number;
}

export interface Answer {
  status: number;
  headers?: Record<string, string>;
  /** An object or array is sent as JSON, text as a page of HTML. */
  body?: unknown;
}

export type PermissionName = "actions" | "attestations" | "checks" | "contents" | "deployments" | "issues" | "statuses";
export type Access = "read" | "write";

export interface Endpoint {
  /** What the token must be allowed. */
  needs: { permission: PermissionName; access: Access };
  answer(asked: Asked): Answer;
}

/** By GitHub's operation id: `repos/get-deployment`. */
export type Endpoints = Record<string, Endpoint>;
