import { routeGlob } from "../lib/glob.ts";

/** ClassWaves' route that is read and writes all the same. */
export const knownToWrite: readonly string[] = ["**/health/redis"];

/** ClassWaves' routes of which a refusal of `{}` is wanted. */
export const emptyPostsWanted: readonly string[] = ["/api/v1/auth/google", "/api/v1/auth/generate-test-token"];

/**
 * Whether a path is one of these routes. It is compared as a server may read it, not as it is written: escapes, double slashes, dots,
 * capitals and letters of another width, matrix parameters, an ending such as .json and a slash at the end make no other route of it.
 * @param pattern `*` is any part between two slashes, `**` any number of them
 */
export function isRoute(path: string, patterns: readonly string[]): boolean {
  const readings = readingsOf(path);
  return patterns.some((pattern) => {
    const rooted = pattern.startsWith("/") ? pattern : `/${pattern}`;
    const route = routeGlob(folded(rooted));
    return readings.some((reading) => route.test(reading));
  });
}

/** What servers, and proxies before them, may make of a path: each decodes once more, or does not. */
function readingsOf(path: string): string[] {
  const readings: string[] = [];
  let text = path;
  for (let times = 0; times < 5; times++) {
    for (const one of new Set([text, text.replaceAll(/[?#].*$/gs, "")])) {
      const alike = new Set([plain(one), plain(folded(inUtf8(one)))]);
      readings.push(...alike, ...[...alike].map((reading) => reading.replace(formatEnding, "$1")));
    }
    const decoded = decodedOnce(text);
    if (decoded === text) break;
    text = decoded;
  }
  return readings;
}

/** Behind a name, in what form the answer is wanted. */
const formatEnding = /([^/])\.[a-z0-9]{1,8}$/;

function decodedOnce(text: string): string {
  // Byte by byte, so that one malformed escape does not keep the others from being read. IIS knows %u0072 as well.
  return text.replaceAll(/%(?:([0-9a-f]{2})|u([0-9a-f]{4}))/gi, (_, byte?: string, letter?: string) =>
    String.fromCharCode(Number.parseInt(byte ?? letter ?? "", 16)),
  );
}

/** The letters that its bytes are; as it is where they are none. */
function inUtf8(text: string): string {
  return /[\u0100-\uffff]/.test(text) ? text : Buffer.from(text, "latin1").toString("utf8");
}

/** As a comparison sees it that is lenient about letters: full-width ones, and the long s. */
function folded(text: string): string {
  return text.normalize("NFKC").toLowerCase();
}

function plain(path: string): string {
  const parts: string[] = [];
  for (const written of path.replaceAll("\\", "/").split("/")) {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: a server may drop them, and what is left is another route
    const part = written.replaceAll(/;.*$|[\x00-\x20]/g, "").toLowerCase();
    if (part === "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(part);
  }
  return `/${parts.join("/")}`;
}
