import { answerMisfits, operationFor, requestMisfits } from "./description.ts";
import type { Access, Answer, Endpoint, Endpoints, PermissionName } from "./endpoint.ts";
import { type Faults, takeTurn } from "./faults.ts";
import { badCredentials, notAccessible, notFound } from "./refusals.ts";
import type { Repository } from "./repository.ts";

/** The state of the API. */
export interface Api {
  url: string;
  /** By `owner/name`. */
  repositories: Map<string, Repository>;
  tokens: Record<string, Token>;
  endpoints: Endpoints;
  faults: Faults;
  violations: Violation[];
  now: () => number;
  newId: () => number;
}

export interface Token {
  /** Its owner; `github-actions[bot]` if absent. */
  login?: string;
  permissions: Partial<Record<PermissionName, Access>>;
}

/** A request or answer that doesn't fit GitHub's description: a bug in the client or in the stand-in. */
export interface Violation {
  /** `POST /repos/classwaves/app/deployments` */
  request: string;
  problems: string[];
}

export interface ApiRequest {
  method: string;
  pathname: string;
  query: URLSearchParams;
  /** Parsed; undefined if none was sent. */
  body: unknown;
  /** The media type that is asked for. */
  accept: string | undefined;
  token: string | undefined;
}

/** The status for requests that GitHub wouldn't understand. Clients neither take it for one of GitHub's nor retry it. */
export const violationStatus = 599;

/** The answer to a request. Both are checked against GitHub's description. */
export function answerTo(request: ApiRequest, api: Api): Answer {
  const { method, pathname, query, body } = request;
  const violation = (problems: string[]): Answer => {
    api.violations.push({ request: `${method} ${pathname}`, problems });
    return { status: violationStatus, body: { message: `not as GitHub describes it: ${problems.join("; ")}` } };
  };
  const described = operationFor(method, pathname);
  if (!described) return violation(["GitHub has no such path with this method"]);
  const { operation, path } = described;
  const wrongRequest = requestMisfits(operation, { path, query, body });
  if (wrongRequest.length > 0) return violation(wrongRequest);
  const refused = takeTurn(api.faults.refuse, (turn) => (turn.operation ?? operation.operationId) === operation.operationId);
  if (refused && refused.when !== "after") return refused.answer;
  const endpoint = api.endpoints[operation.operationId];
  if (!endpoint) return violation([`the stand-in has no ${operation.operationId} yet; see local/github/README.md`]);

  const admitted = admit(request, path, endpoint.needs, api);
  if ("status" in admitted) return admitted;
  const { url, newId } = api;
  const { accept } = request;
  const answer = endpoint.answer({ ...admitted, url, pathname, path, query, accept, body: body ?? {}, now: api.now(), newId });
  if (refused) return refused.answer;
  // As at any endpoint, though the description names them at few.
  if (!operation.responses[answer.status] && unnamedRefusals.includes(answer.status)) return answer;
  const wrongAnswer = answerMisfits(operation, answer.status, asSent(answer.body));
  return wrongAnswer.length > 0 ? violation(wrongAnswer) : answer;
}

const unnamedRefusals = [403, 404, 422];

/** In GitHub's order: authentication, existence, permission. */
function admit(
  { token }: ApiRequest,
  { owner, repo }: Record<string, string>,
  needs: Endpoint["needs"],
  api: Api,
): Answer | { repository: Repository; login: string; access: Access } {
  const holder = token === undefined ? undefined : api.tokens[token];
  if (!holder) return badCredentials();
  // GitHub ignores the case. A path without a repository, such as `/user`, is answered from the token alone.
  const name = owner === undefined ? undefined : `${owner}/${repo}`.toLowerCase();
  const repository = [...api.repositories].find(([known]) => name === undefined || known.toLowerCase() === name)?.[1];
  if (!repository) return notFound();
  const held = needs && holder.permissions[needs.permission];
  if (needs && held !== "write" && held !== needs.access) return notAccessible(needs.permission, needs.access);
  return { repository, login: holder.login ?? "github-actions[bot]", access: held ?? "read" };
}

/** Without what JSON leaves out. */
function asSent(body: unknown): unknown {
  return body === undefined ? undefined : JSON.parse(JSON.stringify(body));
}
