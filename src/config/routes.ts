import { routeGlob } from "../lib/pattern.ts";

/** A ClassWaves route that writes even when it is read with GET. */
export const knownToWrite: readonly string[] = ["**/health/redis"];

/** ClassWaves' routes that should refuse an empty `{}`. */
export const emptyPostsWanted: readonly string[] = ["/api/v1/auth/google", "/api/v1/auth/generate-test-token"];

/**
 * Whether a path is one of these routes. Compares paths as a server may read them. It ignores escapes, double slashes,
 * dots, case, full-width letters, matrix parameters, an ending such as .json and a trailing slash.
 * @param pattern `*` matches any part between two slashes, `**` any number of parts
 */
export function isRoute(path: string, patterns: readonly string[]): boolean {
  const readings = readingsOf(path);
  return patterns.some((pattern) => {
    const rooted = pattern.startsWith("/") ? pattern : `/${pattern}`;
    const route = routeGlob(folded(rooted));
    return readings.some((reading) => route.test(reading));
  });
}

/** The ways in which servers and proxies may read a path. Each of them may or may not decode it once more. */
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

/** A suffix that selects the format of the answer. */
const formatEnding = /([^/])\.[a-z0-9]{1,8}$/;

function decodedOnce(text: string): string {
  // Decodes byte by byte, so that one malformed escape does not prevent the rest. IIS also accepts %u0072.
  return text.replaceAll(/%(?:([0-9a-f]{2})|u([0-9a-f]{4}))/gi, (_, byte?: string, letter?: string) =>
    String.fromCharCode(Number.parseInt(byte ?? letter ?? "", 16)),
  );
}

/** Decodes the bytes as UTF-8; a text with characters beyond one byte is returned unchanged. */
function inUtf8(text: string): string {
  return /[\u0100-\uffff]/.test(text) ? text : Buffer.from(text, "latin1").toString("utf8");
}

/** Folds letters as a lenient comparison does, including full-width letters and the long s. */
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
