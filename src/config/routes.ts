/** ClassWaves' route that is read and writes all the same. */
export const knownToWrite: readonly string[] = ["**/health/redis"];

/** ClassWaves' routes of which a refusal of `{}` is wanted. */
export const emptyPostsWanted: readonly string[] = ["/api/v1/auth/google", "/api/v1/auth/generate-test-token"];

/**
 * Whether a path is one of these routes. It is compared as a server may read it, not as it is written: escapes, double slashes, dots,
 * capitals, matrix parameters and a slash at the end make no other route of it.
 * @param pattern `*` is any part between two slashes, `**` any number of them
 */
export function isRoute(path: string, patterns: readonly string[]): boolean {
  const readings = readingsOf(path);
  return patterns.some((pattern) => {
    const rooted = pattern.startsWith("/") ? pattern : `/${pattern}`;
    const parts = rooted.toLowerCase().split(/(\*\*\/?|\*)/);
    const expression = new RegExp(`^${parts.map(expressionOf).join("")}$`);
    return readings.some((reading) => expression.test(reading));
  });
}

function expressionOf(part: string): string {
  if (part === "**/") return "(?:[^/]+/)*";
  if (part === "**") return ".*";
  if (part === "*") return "[^/]*";
  return part.replaceAll(/[\\^$.|?+()[\]{}]/g, "\\$&");
}

/** What servers, and proxies before them, may make of a path: each decodes once more, or does not. */
function readingsOf(path: string): string[] {
  const readings: string[] = [];
  let text = path;
  for (let times = 0; times < 5; times++) {
    readings.push(plain(text), plain(text.replaceAll(/[?#].*$/gs, "")));
    const decoded = decodedOnce(text);
    if (decoded === text) break;
    text = decoded;
  }
  return readings;
}

function decodedOnce(text: string): string {
  // Byte by byte, so that one malformed escape does not keep the others from being read.
  return text.replaceAll(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
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
