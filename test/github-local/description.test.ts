import { afterEach, describe, expect, test } from "vitest";
import {
  type Answer,
  badCredentials,
  type Endpoints,
  type LocalGitHub,
  startGitHub,
  violationStatus,
} from "../../local/github/index.ts";

/**
 * The stand-in is only useful if it refuses requests that GitHub would refuse, and never gives an answer that GitHub would not give.
 * These tests send wrong requests, and make it give wrong answers.
 */

const running: LocalGitHub[] = [];
afterEach(async () => {
  for (const local of running.splice(0)) await local.stop();
});

async function start(endpoints: Endpoints = {}): Promise<LocalGitHub> {
  const local = await startGitHub({
    repositories: { "classwaves/app": { refs: { main: "a".repeat(40) } } },
    tokens: { token: { permissions: { deployments: "write" } } },
    endpoints,
  });
  running.push(local);
  return local;
}

const deployments = "/repos/classwaves/app/deployments";

async function ask(
  local: LocalGitHub,
  route: string,
  body?: unknown,
  token = "token",
): Promise<{ status: number; data: unknown }> {
  const [method, path] = route.split(" ");
  const response = await fetch(`${local.url}${path}`, {
    method,
    headers: { authorization: `token ${token}` },
    ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
  });
  return { status: response.status, data: await response.json() };
}

describe("a request that GitHub would refuse is a violation", () => {
  const wrong: [string, string, unknown, RegExp][] = [
    ["an unknown path", "GET /repos/classwaves/app/deployment", undefined, /GitHub has no such path/],
    ["a path with one part too many", `GET ${deployments}/7/statuses/8/more`, undefined, /GitHub has no such path/],
    ["a known path with an unknown method", `PUT ${deployments}`, {}, /GitHub has no such path with this method/],
    ["a path parameter of the wrong type", `GET ${deployments}/latest`, undefined, /path\.deployment_id: .*number/],
    ["an unknown query parameter", `GET ${deployments}?enviroment=staging`, undefined, /query\.enviroment: GitHub has no such/],
    ["a query parameter of the wrong type", `GET ${deployments}?per_page=all`, undefined, /query\.per_page: .*number/],
    ["a missing required field", `POST ${deployments}`, { environment: "staging" }, /body\.ref: .*undefined/],
    ["a field of the wrong type", `POST ${deployments}`, { ref: "main", auto_merge: "no" }, /body\.auto_merge: .*boolean/],
    ["a value that is not allowed", `POST ${deployments}/7/statuses`, { state: "done" }, /body\.state: /],
    ["a misspelt field", `POST ${deployments}`, { ref: "main", enviroment: "x" }, /body\.enviroment: GitHub has no such field/],
    ["no body where one is required", `POST ${deployments}`, undefined, /body: it is required/],
    ["a body that is not JSON", `POST ${deployments}`, "ref=main", /body: /],
    [
      "an endpoint that the stand-in does not have yet",
      "GET /repos/classwaves/app/check-runs/7",
      undefined,
      /no checks\/get yet/,
    ],
  ];
  test.each(wrong)("%s", async (_, route, body, problem) => {
    const local = await start();
    const { status, data } = await ask(local, route, body);
    expect(status).toBe(violationStatus);
    expect(JSON.stringify(data)).toContain("not as GitHub describes it");
    expect(local.violations).toEqual([
      { request: route.split("?")[0], problems: expect.arrayContaining([expect.stringMatching(problem)]) },
    ]);
    expect(local.requests).toMatchObject([{ status: violationStatus }]);
  });

  test("every problem is reported, not only the first", async () => {
    const local = await start();
    await ask(local, `POST ${deployments}`, { auto_merge: 1, required_contexts: "none" });
    expect(local.violations[0]?.problems).toHaveLength(3);
  });
});

describe("an answer that GitHub would not give is a violation, even for a valid request", () => {
  async function answered(change: (body: Record<string, unknown>) => Answer): Promise<LocalGitHub> {
    const good = await start();
    const { data } = await ask(good, `POST ${deployments}`, { ref: "main" });
    const local = await start({
      "repos/get-deployment": {
        needs: { permission: "deployments", access: "read" },
        answer: () => change(data as Record<string, unknown>),
      },
    });
    const { status } = await ask(local, `GET ${deployments}/7`);
    expect(status === violationStatus).toBe(local.violations.length > 0);
    return local;
  }

  test("the unchanged answer is valid", async () => {
    expect((await answered((body) => ({ status: 200, body }))).violations).toEqual([]);
  });

  const wrong: [string, (body: Record<string, unknown>) => Answer, RegExp][] = [
    ["a missing field", ({ sha: _, ...body }) => ({ status: 200, body }), /answer\.sha/],
    ["a field of the wrong type", (body) => ({ status: 200, body: { ...body, id: "7" } }), /answer\.id: .*number/],
    ["null where it is not allowed", (body) => ({ status: 200, body: { ...body, ref: null } }), /answer\.ref/],
    ["a time in another format", (body) => ({ status: 200, body: { ...body, created_at: "today" } }), /answer\.created_at/],
    ["an invalid address", (body) => ({ status: 200, body: { ...body, url: "deployments/7" } }), /answer\.url/],
    [
      "a mistake in a nested field",
      (body) => ({ status: 200, body: { ...body, creator: { login: 1 } } }),
      /answer\.creator\.login/,
    ],
    [
      "a status that GitHub does not use here",
      (body) => ({ status: 201, body }),
      /does not answer repos\/get-deployment with 201/,
    ],
    ["no body", () => ({ status: 200 }), /answer: /],
  ];
  test.each(wrong)("%s", async (_, change, problem) => {
    const { violations } = await answered(change);
    expect(violations).toEqual([
      { request: `GET ${deployments}/7`, problems: expect.arrayContaining([expect.stringMatching(problem)]) },
    ]);
  });

  test("an endpoint that throws", async () => {
    const broken = () => {
      throw new Error("out of order");
    };
    const local = await start({
      "repos/get-deployment": { needs: { permission: "deployments", access: "read" }, answer: broken },
    });
    await expect(ask(local, `GET ${deployments}/7`)).rejects.toThrow();
    expect(local.violations).toEqual([{ request: `GET ${deployments}/7`, problems: ["Error: out of order"] }]);
  });
});

describe("a valid request that GitHub refuses is no violation", () => {
  test("a wrong token, a missing repository, a missing deployment and a missing branch get GitHub's status", async () => {
    const local = await start();
    expect((await ask(local, `GET ${deployments}/7`, undefined, "unknown")).status).toBe(401);
    expect((await ask(local, "GET /repos/classwaves/none/deployments/7")).status).toBe(404);
    expect((await ask(local, `GET ${deployments}/7`)).status).toBe(404);
    expect((await ask(local, `POST ${deployments}`, { ref: "no-such-branch" })).status).toBe(422);
    expect(local.violations).toEqual([]);
  });

  test("a planned fault affects only its operation, and only as often as planned", async () => {
    const local = await start();
    local.faults.refuse.push({ times: 1, operation: "repos/list-deployments", answer: badCredentials() });
    expect((await ask(local, `GET ${deployments}/7`)).status).toBe(404);
    expect((await ask(local, `GET ${deployments}`)).status).toBe(401);
    expect((await ask(local, `GET ${deployments}`)).status).toBe(200);
  });
});

describe("lists are filtered and paged", () => {
  test("a list is newest first, and its links lead through all pages", async () => {
    const local = await start();
    for (let count = 0; count < 5; count++)
      await ask(local, `POST ${deployments}`, { ref: "main", environment: count === 2 ? "production" : "staging" });
    const ids: number[] = [];
    let next: string | undefined = `${local.url}${deployments}?environment=staging&per_page=3`;
    while (next) {
      const response: Response = await fetch(next, { headers: { authorization: "Bearer token" } });
      for (const { id } of (await response.json()) as { id: number }[]) ids.push(id);
      next = /<([^>]+)>; rel="next"/.exec(response.headers.get("link") ?? "")?.[1];
    }
    expect(ids).toHaveLength(4);
    expect(ids).toEqual(ids.toSorted((a, b) => b - a));
    expect(local.violations).toEqual([]);
  });
});
