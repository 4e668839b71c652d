import { filesOfFolder, inFolder, type Repository } from "../repository.ts";
import { withoutHashes } from "./python-server.ts";
import { withoutComments } from "./tests.ts";
import { isLocal } from "./variables.ts";

/** Variables by which tests find the application. Whoever moves its port must move the tests, too. */

export interface TestAddress {
  name: string;
  /** The local address that the tests take without the variable; undefined if they have none. */
  fallback: URL | undefined;
  file: string;
}

const ofIntegration =
  /(?:^|\/)(?:__tests__|tests?|spec|integration)\/.*\.(?:[cm]?[jt]sx?|py)$|\.(?:test|spec)\.[cm]?[jt]sx?$|(?:^|\/)(?:test_[^/]*|[^/]*_test|conftest)\.py$|(?:^|\/)(?:vitest|jest)(?:\.[\w-]+)*\.(?:config|setup)\.[cm]?[jt]s$/;
const ofBrowser = /(?:^|\/)(?:playwright|cypress)\.config\.[cm]?[jt]s$|(?:^|\/)(?:e2e|playwright|cypress)\/.*\.[cm]?[jt]sx?$/;

const quotedAddress = "[\"'`](https?://[^\"'`\\s]+)[\"'`]";
const reads: readonly RegExp[] = [
  // A member of the environment, with ?? or || and an address behind it, or alone.
  new RegExp(
    `\\b(?:process|import\\.meta)\\.env(?:\\.(\\w+)|\\[["'\`](\\w+)["'\`]\\])(?:\\s*(?:\\?\\?|\\|\\|)\\s*${quotedAddress})?`,
    "g",
  ),
  // Taken out of the environment by its name, with a default.
  new RegExp(`[{,]\\s*(\\w+)(?:\\s*:\\s*(?:\\w+))?\\s*=\\s*${quotedAddress}(?=[^{}]*\\}\\s*=\\s*process\\.env\\b)`, "g"),
  // Python: environ.get and getenv, with a second argument or `or`.
  new RegExp(`\\b(?:environ\\.get|getenv)\\(\\s*["'](\\w+)["']\\s*(?:\\)\\s*or|,)?\\s*(?:${quotedAddress})?`, "g"),
  /\benviron\[\s*["'](\w+)["']\s*\]/g,
];

/** An address of a template whose port is a variable with a default. */
const portInText = /\$\{\s*process\.env\.PORT\s*(?:\?\?|\|\|)\s*["']?(\d{2,5})["']?\s*\}/g;

/** Names that mean the application itself, also without a default. */
const usual =
  /^(?:(?:E2E|TEST|APP|API|BACKEND|SERVER|PLAYWRIGHT(?:_TEST)?|CYPRESS)_)?(?:BASE|API|APP|BACKEND|SERVER|SERVICE|TEST)_?(?:BASE_?)?(?:URL|URI|ORIGIN|ADDRESS)$|^BASEURL$/;

const mostTests = 400;

export function testAddresses(repository: Repository, kind: "integration" | "e2e"): TestAddress[] {
  const isOwn = (file: string) => (ofBrowser.test(file) ? kind === "e2e" : kind === "integration" && ofIntegration.test(file));
  const found = new Map<string, TestAddress>();
  for (const file of filesOfFolder(repository).filter(isOwn).slice(0, mostTests)) {
    const raw = repository.read(inFolder(repository, file)) ?? "";
    const text = (file.endsWith(".py") ? withoutHashes(raw) : withoutComments(raw)).replace(portInText, "$1");
    for (const pattern of reads)
      for (const match of text.matchAll(pattern)) {
        const [name, address] = match.slice(1).filter((part) => part !== undefined);
        if (name === undefined) continue;
        const fallback = address !== undefined && isLocal(address) && URL.canParse(address) ? new URL(address) : undefined;
        if (found.get(name)?.fallback || (fallback === undefined && (address !== undefined || !usual.test(name)))) continue;
        found.set(name, { name, fallback, file });
      }
  }
  return [...found.values()];
}

/**
 * What the tests get, so that they ask the servers that are started for them.
 * @param servers the first one is the application, with the ports that the configuration has
 */
export function addressValues(addresses: readonly TestAddress[], servers: readonly { port: number }[]): Record<string, string> {
  const [application, ...others] = servers;
  if (!application) return {};
  return Object.fromEntries(
    addresses.flatMap(({ name, fallback }) => {
      const same = servers.find(({ port }) => String(port) === fallback?.port);
      // Of several servers, a name alone doesn't say which one is meant.
      const server = same ?? (usual.test(name) && others.length === 0 ? application : undefined);
      return server ? [[name, addressOf(fallback, server.port)] as const] : [];
    }),
  );
}

function addressOf(fallback: URL | undefined, port: number): string {
  const host = fallback === undefined || fallback.hostname === "0.0.0.0" ? "localhost" : fallback.hostname;
  const path = fallback === undefined || fallback.pathname === "/" ? "" : fallback.pathname;
  return `${fallback?.protocol ?? "http:"}//${host}:${port}${path}`;
}
