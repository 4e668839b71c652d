import { isRoute } from "../../config/routes.ts";

/** What may be sent to the API of a read-only environment. */
export interface RouteGuard {
  /** Patterns of routes that write on GET. */
  writes: readonly string[];
  /** Routes that may get a POST of `{}`, because they are expected to refuse it. */
  emptyPosts: readonly string[];
}

const readingMethods = new Set(["GET", "HEAD", "OPTIONS"]);
/** Frameworks let these headers override the request's method. */
const methodHeaders = /^x-(?:http-)?method(?:-override)?$|^x-rewrite-url$|^x-original-(?:url|method)$|^x-forwarded-method$/i;
const methodParameter = /^(?:x_)?_*(?:http_?)?method(?:_?override)?$/i;

/**
 * Why a request must not be sent in a read-only environment; `undefined` if it may. Called for every request, including each
 * redirect.
 */
export function whyNotSent(
  guard: RouteGuard,
  url: URL,
  { method, headers, body }: { method: string; headers: Readonly<Record<string, string>>; body?: string | undefined },
): string | undefined {
  const route = url.pathname + url.search;
  if (isRoute(url.pathname, guard.writes) || isRoute(route, guard.writes))
    return `${url.pathname} is listed as a route that writes (api.writes)`;
  const header = Object.keys(headers).find((name) => methodHeaders.test(name.trim()));
  if (header) return `the header ${header} could turn it into another request`;
  const parameter = parameterNames(url.search).find(
    (name) => methodParameter.test(name) || methodHeaders.test(name.replaceAll("_", "-")),
  );
  if (parameter) return `the parameter ${parameter} could turn it into another request`;
  if (readingMethods.has(method)) return body === undefined ? undefined : `a ${method} must not have a body`;
  if (method !== "POST") return `${method} may write`;
  if (body !== "{}") return "a POST with a body may write";
  // Compared exactly, because this is a permission.
  return guard.emptyPosts.includes(route) ? undefined : `a POST may write, and ${url.pathname} is not listed in api.emptyPosts`;
}

/**
 * Parameter names as any server may read them: after a semicolon, double-escaped, as a list (`_method[]`), and with characters
 * that some servers take for an underscore.
 */
function parameterNames(search: string): string[] {
  const once = unescaped(search.replaceAll("+", " "));
  return [search, once, unescaped(once)].flatMap((text) =>
    text.split(/[?&;]/).map((parameter) => {
      const [name = ""] = parameter.split("=", 1);
      const [first = ""] = name.split(/[[\]\0]/).filter((part) => part.trim() !== "");
      return first.trim().replaceAll(/[-. ]/g, "_");
    }),
  );
}

function unescaped(text: string): string {
  return text.replaceAll(/%[0-7][0-9a-f]/gi, (written) => String.fromCharCode(Number.parseInt(written.slice(1), 16)));
}
