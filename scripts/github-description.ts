import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/**
 * Cuts local/github/openapi.json out of GitHub's description of its REST API: the paths that it has, and those that are named.
 *
 *     npm pack @octokit/openapi@23.0.2 && tar xzf octokit-openapi-23.0.2.tgz package/generated/api.github.com.deref.json
 *     node scripts/github-description.ts package/generated/api.github.com.deref.json [/repos/{owner}/{repo}/pulls …]
 *
 * The package is no dependency: unpacked, it has 385 MB.
 */

type Value = null | boolean | number | string | Value[] | { [key: string]: Value };
type Group = Record<string, Value>;

const file = join(import.meta.dirname, "..", "local", "github", "openapi.json");
/** Words for people, which no request has to fit. */
const prose = new Set(["title", "description", "example", "examples", "externalDocs"]);
/** Of an answer: what env-actions reads is JSON. */
const otherFormats = /^(?!application\/json$)[a-z]+\/[a-z]/;
const ofAnOperation = ["operationId", "parameters", "requestBody", "responses"];

const [source, ...more] = process.argv.slice(2);
if (!source) throw new Error("expected the file with GitHub's description: node scripts/github-description.ts <file> [path …]");
const full = JSON.parse(readFileSync(source, "utf8")) as Group & { paths: Record<string, Group> };
const kept = JSON.parse(readFileSync(file, "utf8")) as Group & { paths: Record<string, Group> };
for (const path of [...Object.keys(kept.paths), ...more]) {
  const described = full.paths[path];
  if (!described) throw new Error(`GitHub's description has no path ${path}`);
  // Of a path that isn't named, only the methods that it has here: a request that env-actions doesn't make is refused.
  const methods = Object.keys(more.includes(path) ? described : (kept.paths[path] ?? {}));
  kept.paths[path] = Object.fromEntries(methods.map((method) => [method, operation(described[method] as Group)]));
}
writeFileSync(file, JSON.stringify(kept));

function operation(described: Group): Group {
  const own = Object.fromEntries(ofAnOperation.flatMap((key) => (described[key] === undefined ? [] : [[key, described[key]]])));
  const { responses, ...rest } = withoutProse(own) as Group & { responses: Record<string, Group> };
  const said = Object.entries(responses).map(([status, answer]) => [status, { description: "", ...withoutHeaders(answer) }]);
  return { ...rest, responses: Object.fromEntries(said) as Group };
}

function withoutHeaders({ headers: _, ...answer }: Group): Group {
  return answer;
}

function withoutProse(value: Value): Value {
  if (Array.isArray(value)) return value.map(withoutProse);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => !prose.has(key) && !key.startsWith("x-") && !otherFormats.test(key))
      .map(([key, inner]) => [key, key === "properties" ? propertiesOf(inner) : withoutProse(inner)]),
  );
}

/** Their names are GitHub's fields, of which some are called `title` or `description`. */
function propertiesOf(value: Value): Value {
  if (value === null || typeof value !== "object" || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, schema]) => [name, withoutProse(schema)]));
}
