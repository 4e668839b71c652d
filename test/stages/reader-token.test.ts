import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { type Api, json, serve } from "../checks/api.ts";
import { folderForAllTests } from "../harness/folder.ts";
import { type Performed, performIn } from "../harness/stage.ts";

// A reader token that a command prints, as whole smoke stages use it: in processes of its own, and never on any way out.
const folder = folderForAllTests();

/** A JWT, as far as its expiry is read. */
const jwt = (endsAtMs: number, name: string) =>
  `e30.${Buffer.from(JSON.stringify({ exp: endsAtMs / 1_000, name })).toString("base64url")}.c2lnbmF0dXJl${name}`;

/** An API that accepts these tokens, and says with which ones it was asked. */
async function accepting(accepts: (token: string, count: number) => boolean): Promise<Api & { tokens: string[] }> {
  const tokens: string[] = [];
  const api = await serve((request, response) => {
    const token = (request.headers.authorization ?? "").replace("Bearer ", "");
    tokens.push(token);
    json(response, accepts(token, tokens.length) ? 200 : 401, {});
  });
  return { ...api, tokens };
}

/** @param script of node; `count` is how often it ran before */
async function smoke(api: Api, script: string, { timeout = "20s", samples = 3 } = {}): Promise<Performed & { runs: number }> {
  const count = join(folder.path, "count");
  await writeFile(count, "");
  await writeFile(
    join(folder.path, "mint.mjs"),
    `import { appendFileSync, readFileSync } from "node:fs";
    const count = readFileSync("count", "utf8").length;
    appendFileSync("count", "x");
    ${script}`,
  );
  const analytics = ["/a", "/b"].map((path) => ({ path, signIn: true }));
  const production = {
    access: "read-only",
    token: { command: `"${process.execPath}" mint.mjs`, timeout },
    api: { url: api.url, samples, endpoints: [{ path: "/health", signIn: true }] },
    analytics,
  };
  const ran = await performIn(folder.path, { stage: "smoke", config: { environments: { production } } });
  return { ...ran, runs: (await readFile(count, "utf8")).length };
}

/** Everything that is written and shown. */
async function shown(ran: Performed): Promise<string> {
  const files = await readdir(join(folder.path, ".env-actions"), { recursive: true, withFileTypes: true });
  const texts = files.filter((file) => file.isFile()).map((file) => readFile(join(file.parentPath, file.name), "utf8"));
  return [JSON.stringify([ran.seen, ran.report, ran.warnings, ran.output]), ...(await Promise.all(texts))].join("\n");
}

it("is minted once for all checks, trimmed, secret before it is used, and nowhere to be read", async () => {
  const api = await accepting((token) => token === "reader-token-123456");
  const ran = await smoke(api, `console.error("asking for", "reader-token-123456"); console.log("  reader-token-123456\\n");`);
  expect(ran.report.checks.filter(({ verdict }) => verdict !== "passed")).toEqual([]);
  expect(ran.runs).toBe(1);
  expect(ran.secrets).toContain("reader-token-123456");
  expect(new Set(api.tokens)).toEqual(new Set(["reader-token-123456"]));
  expect(await shown(ran)).not.toContain("reader-token-123456");
});

it("is minted again after the first 401, once for all checks", async () => {
  const api = await accepting((token, count) => (count <= 4 ? token === "reader-token-0" : token === "reader-token-1"));
  const ran = await smoke(api, `console.log("reader-token-" + count);`);
  expect(ran.report.checks.filter(({ verdict }) => verdict !== "passed")).toEqual([]);
  expect(ran.runs).toBe(2);
});

it("that is refused again is a failure of the route, and no command runs a third time", async () => {
  const ran = await smoke(await accepting(() => false), `console.log("reader-token-" + count);`);
  expect(ran.check("analytics.a")).toMatchObject({ verdict: "failed", observed: "HTTP 401" });
  expect(ran.runs).toBe(2);
});

it("is minted again before it expires, if it says when", async () => {
  const soon = jwt(Date.now() + 20_000, "soon");
  const later = jwt(Date.now() + 3_600_000, "later");
  const ran = await smoke(await accepting(() => true), `console.log(count === 0 ? "${soon}" : "${later}");`);
  expect(ran.report.verdict).toBe("passed");
  expect(ran.runs).toBe(2);
});

it.each<[string, string, RegExp]>([
  [
    "fails",
    `console.log("half-a-token-1234"); console.error("denied for half-a-token-1234"); process.exit(3);`,
    /ended with exit status 3: denied for \*\*\*/,
  ],
  ["prints nothing", `console.error("no such key");`, /printed nothing; its standard error says: no such key/],
  ["prints more than a token", `console.log("Token:", "reader-token-123456");`, /printed 2 words/],
  ["prints an expired token", `console.log("${jwt(1_700_000_000_000, "old")}");`, /expired at 2023-11-14/],
])("a command that %s is an error that names it, without what it printed", async (_, script, message) => {
  const api = await accepting(() => true);
  const ran = await smoke(api, script);
  for (const id of ["api.health", "analytics.a", "analytics.b"])
    expect(ran.check(id)).toMatchObject({ verdict: "error", message: expect.stringMatching(message) });
  expect(ran.runs).toBe(1);
  expect(api.tokens).toEqual([]);
  expect(await shown(ran)).not.toMatch(/half-a-token-1234|reader-token-123456/);
});

it("a command that does not end is stopped at its time limit", async () => {
  const ran = await smoke(
    await accepting(() => true),
    `setInterval(() => undefined, 1_000); console.log("reader-token-123456");`,
    {
      timeout: "1s",
    },
  );
  expect(ran.check("analytics.a")).toMatchObject({
    verdict: "error",
    message: expect.stringContaining("did not end within 1 s"),
  });
});
