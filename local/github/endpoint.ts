import type { Repository } from "./repository.ts";

/** A request that fits GitHub's description, with a token that may make it. */
export interface Asked {
  /** The stand-in's own, for addresses in its answers: `http://127.0.0.1:4711`. */
  url: string;
  /** Of this request, without its query. */
  pathname: string;
  repository: Repository;
  /** Decoded. */
  path: Record<string, string>;
  query: URLSearchParams;
  /** The media type that is asked for. */
  accept: string | undefined;
  /** As GitHub's description says; `{}` if none was sent, and a Buffer for an upload. */
  body: unknown;
  /** The token's user. */
  login: string;
  /** What the token may do, at least what the endpoint needs. */
  access: Access;
  /** Milliseconds. */
  now: number;
  newId(): number;
}

export interface Answer {
  status: number;
  headers?: Record<string, string>;
  /** Objects and arrays are sent as JSON, text as an HTML page, a Buffer as it is. */
  body?: unknown;
}

export type PermissionName = "actions" | "attestations" | "checks" | "contents" | "deployments" | "issues" | "statuses";
export type Access = "read" | "write";

export interface Endpoint {
  /** The permission that the token needs; none for what every person's token may ask. */
  needs?: { permission: PermissionName; access: Access };
  answer(asked: Asked): Answer;
}

/** By GitHub's operation id: `repos/get-deployment`. */
export type Endpoints = Record<string, Endpoint>;
