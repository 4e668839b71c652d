import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { json, serve } from "../checks/api.ts";
import { junit, runSuite } from "./suite.ts";

/**
 * Tokens as tests meet them: a command in a process of its own, and a route that mints tokens which live for two seconds. A token that
 * expires in the middle of a long run fails every test after it; one that is printed, or left on the disk, is a way in.
 */

interface Minting {
  /** Bodies of the requests. */
  asked: Record<string, unknown>[];
  url: string;
}

/** @param refuses from this request on, counted from 1. */
async function minting(lifeSeconds: number, refuses = Number.POSITIVE_INFINITY): Promise<Minting> {
  const asked: Record<string, unknown>[] = [];
  const api = await serve(async (request, response) => {
    let text = "";
    for await (const chunk of request) text += chunk;
    const body = JSON.parse(text) as Record<string, unknown>;
    asked.push(body);
    if (asked.length >= refuses) return json(response, 503, { error: "restarting" });
    json(response, 200, { tokens: { accessToken: `token-of-${body.role}-${asked.length}`, expiresIn: lifeSeconds } });
  });
  return { asked, url: api.url };
}

function inside({ url }: Minting, roles: string): string {
  return `api: { url: "${url}" }\nauth: { secret: "\${MINT_SECRET}", roles: ${roles} }`;
}

const settings = "command: node tests.mjs\nreports: [r.xml]";
const env = { MINT_SECRET: "the-shared-secret" };

const report = `writeFileSync("r.xml", ${JSON.stringify(junit())});`;

test("each role's token is in a private file and a variable, is masked in output, and is removed afterwards", async () => {
  const api = await minting(900);
  const tests = `import { readFileSync, statSync, writeFileSync } from "node:fs";
    const { ENV_ACTIONS_TOKENS: file, ADMIN_TOKEN, ENV_ACTIONS_PREFIX: prefix } = process.env;
    const tokens = JSON.parse(readFileSync(file, "utf8"));
    console.log("mode", (statSync(file).mode & 0o777).toString(8), "roles", Object.keys(tokens).join());
    console.log("same", tokens.admin.token === ADMIN_TOKEN, "in", Math.round((Date.parse(tokens.teacher.expiresAt) - Date.now()) / 60000), "min");
    console.log("prefix", prefix, "token", tokens.teacher.token);
    ${report}`;
  const roles = '{ teacher: { body: { teacherId: "{prefix}_t", seats: 3 } }, admin: { variable: ADMIN_TOKEN } }';
  const ran = await runSuite("integration", { inside: inside(api, roles), settings, files: { "tests.mjs": tests } }, env);

  expect(ran.report.verdict).toBe("passed");
  expect(ran.check("tests.tokens")).toMatchObject({ verdict: "passed", observed: "teacher, admin; renewed 0 times" });
  expect(ran.said).toEqual(expect.arrayContaining(["mode 600 roles teacher,admin", "same true in 15 min"]));
  const prefix = ran.said.find((line) => line.startsWith("prefix"))?.split(" ")[1];
  expect(ran.said).toContain(`prefix ${prefix} token ***`);
  expect(api.asked).toContainEqual({
    role: "teacher",
    teacherId: `${prefix}_t`,
    seats: 3,
    secretKey: "the-shared-secret",
  });
  expect(ran.secrets).toEqual(expect.arrayContaining([expect.stringMatching(/^token-of-teacher/)]));
  expect(await readdir(join(ran.workspace, ".env-actions", "tokens"))).toEqual([]);
});

test("tokens are renewed during the tests before they expire", async () => {
  const api = await minting(2);
  const tests = `import { readFileSync, writeFileSync } from "node:fs";
    const seen = new Set();
    while (seen.size < 3) {
      const { token, expiresAt } = JSON.parse(readFileSync(process.env.ENV_ACTIONS_TOKENS, "utf8")).teacher;
      seen.add(token);
      if (Date.parse(expiresAt) <= Date.now()) throw new Error("expired");
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    ${report}`;
  const ran = await runSuite(
    "integration",
    { inside: inside(api, "{ teacher: {} }"), settings, files: { "tests.mjs": tests } },
    env,
  );
  expect(ran.report.commands[0]?.tail).toBeUndefined();
  expect(ran.check("tests.tokens")).toMatchObject({ verdict: "passed", observed: expect.stringMatching(/renewed [2-9] times/) });
  expect(ran.secrets).toEqual(expect.arrayContaining(["token-of-teacher-1", "token-of-teacher-2", "token-of-teacher-3"]));
});

test("a renewal that fails until the token expires is an error, although all tests passed", async () => {
  const api = await minting(1, 2);
  const tests = `import { readFileSync, writeFileSync } from "node:fs";
    const { expiresAt } = JSON.parse(readFileSync(process.env.ENV_ACTIONS_TOKENS, "utf8")).teacher;
    await new Promise((resolve) => setTimeout(resolve, Date.parse(expiresAt) - Date.now() + 700));
    ${report}`;
  const ran = await runSuite(
    "integration",
    { inside: inside(api, "{ teacher: {} }"), settings, files: { "tests.mjs": tests } },
    env,
  );
  expect(ran.report.tests).toMatchObject({ passed: 1, failed: 0 });
  expect(ran.report.verdict).toBe("error");
  expect(ran.check("tests.tokens")?.message).toMatch(/^The token of teacher expired while the tests ran.*answered 503/);
  expect(api.asked.length).toBeLessThan(12);
});

test("when tokens can't be minted, tests do not start and nothing is left", async () => {
  const ran = await runSuite(
    "integration",
    { inside: inside(await minting(900, 1), "{ teacher: {} }"), settings, files: { "tests.mjs": "" } },
    env,
  );
  expect(ran.report).toMatchObject({ verdict: "error", commands: [] });
  expect(ran.check("tests.tokens")?.message).toMatch(/^The tests did not start: .*answered 503/);
  expect(existsSync(join(ran.workspace, ".env-actions", "tokens", "integration.json"))).toBe(false);
});

test("a token that has expired when it is minted is an error, and is not handed over or renewed", async () => {
  let asked = 0;
  const claims = Buffer.from(JSON.stringify({ exp: Math.floor(Date.now() / 1000) - 60 })).toString("base64url");
  const api = await serve((_, response) => {
    asked++;
    json(response, 200, { accessToken: `e30.${claims}.signature` });
  });
  const tests = `import { writeFileSync } from "node:fs"; await new Promise((resolve) => setTimeout(resolve, 1_000)); ${report}`;
  const ran = await runSuite(
    "integration",
    { inside: inside({ asked: [], url: api.url }, "{ teacher: {} }"), settings, files: { "tests.mjs": tests } },
    env,
  );
  expect(ran.report).toMatchObject({ verdict: "error", commands: [] });
  expect(ran.check("tests.tokens")?.message).toMatch(
    /minted a token that has already expired: compare its exp with the clock of this machine/,
  );
  expect(asked).toBe(1);
});

test("without roles no token is minted", async () => {
  const api = await minting(900);
  const tests = `import { writeFileSync } from "node:fs"; console.log("tokens", process.env.ENV_ACTIONS_TOKENS); ${report}`;
  const ran = await runSuite("integration", { inside: inside(api, "{}"), settings, files: { "tests.mjs": tests } }, env);
  expect(ran.said).toContain("tokens undefined");
  expect(api.asked).toEqual([]);
});

test.each([
  [404, "failed", "there is no such route, or it is disabled"],
  [401, "error", "the secret is wrong"],
])("if the mint route answers %i, the tests don't start, and that is %s", async (status, verdict, message) => {
  const { url } = await serve((_, response) => json(response, status, {}));
  const tests = `import { writeFileSync } from "node:fs"; ${report}`;
  const ran = await runSuite(
    "integration",
    { inside: inside({ asked: [], url }, "{ teacher: {} }"), settings, files: { "tests.mjs": tests } },
    env,
  );
  expect(ran.check("tests.tokens")).toMatchObject({
    verdict,
    observed: "not minted",
    message: expect.stringMatching(new RegExp(`^The tests did not start: .*${message}`)),
  });
  expect(ran.report.verdict).toBe(verdict);
  expect(existsSync(join(ran.workspace, "r.xml"))).toBe(false);
});
