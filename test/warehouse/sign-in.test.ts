import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { gitHubIssuer, type IdTokens, startIdTokens } from "../../local/github/id-tokens.ts";
import { noFaults } from "../../local/warehouse/faults.ts";
import { startWarehouse, type Warehouse } from "../../local/warehouse/index.ts";
import { type SignIn, tokenSource } from "../../src/warehouse/sign-in.ts";
import type { TokenSource } from "../../src/warehouse/token-source.ts";
import { rowsWith } from "../harness/deletion.ts";
import { deletes, failureOf, reading, reads, settingsFor } from "./harness.ts";

// Every way to sign in to a workspace, with the unmodified driver, against a token endpoint with and without faults, and against
// a stand-in for GitHub's id tokens.
const subject = "repo:classwaves/app:environment:sandbox";
const secret = "dose-s3cret/with+signs";
let school: Warehouse;
let gitHub: IdTokens;
let told: string[];

beforeAll(async () => {
  gitHub = await startIdTokens(subject);
  const user = "11111111-2222-3333-4444-555555555555";
  school = await startWarehouse({
    principals: { "dapi-lasting": { user, grants: [...reading, { privilege: "MODIFY", on: "classwaves" }] } },
    oauthClients: { "client-1": { secret, user } },
    federation: [
      { issuer: gitHubIssuer, audience: "account-1", subject, user, clientId: "client-1" },
      { issuer: gitHubIssuer, audience: "account-wide", subject, user },
      { issuer: gitHubIssuer, audience: "https://elsewhere.example", subject, user },
    ],
  });
  await school.createTables({ "classwaves.sessions.classroom_sessions": { columns: { id: "string", title: "string" } } });
});
beforeEach(() => {
  told = [];
});
afterEach(() => {
  Object.assign(school.faults, noFaults());
  gitHub.refuse.length = 0;
});
afterAll(() => Promise.all([school.stop(), gitHub.stop()]));

const machine: SignIn = { way: "oauth-m2m", clientId: "client-1", clientSecret: secret };
const federated: SignIn = { way: "github-oidc", clientId: "client-1", audience: "account-1" };
const one = "SELECT 1 AS one";

function sourceOf(signIn: SignIn, env: Record<string, string> = gitHub.env): TokenSource {
  const workspace = { host: school.host, certificateAuthority: school.certificateAuthority };
  return tokenSource(signIn, workspace, { env, onSecret: (text) => told.push(text) });
}

const settings = (token: TokenSource) => settingsFor(school, { token });
const since = (seen: number) => school.tokenRequests.slice(seen);

/** Repeats until the condition is true; the test's own timeout ends it. */
async function until(condition: () => Promise<boolean> | boolean): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 20));
}

describe("signs in and sends a query", () => {
  it.each<[string, SignIn, object | undefined]>([
    ["a personal access token", { way: "pat", token: "dapi-lasting" }, undefined],
    ["a service principal's secret", machine, { grant: "client_credentials", clientId: "client-1" }],
    [
      "GitHub's id token and a service principal's policy",
      federated,
      {
        grant: "urn:ietf:params:oauth:grant-type:token-exchange",
        clientId: "client-1",
        claims: { aud: "account-1", sub: subject },
      },
    ],
    ["GitHub's id token and the account's policy", { way: "github-oidc", audience: "account-wide" }, { clientId: undefined }],
  ])("with %s", async (_, signIn, request) => {
    const seen = school.tokenRequests.length;
    const source = sourceOf(signIn);
    const row = await reads(settings(source), (reader) => reader.query("SELECT current_user() AS who"));
    expect(row).toEqual([{ who: "11111111-2222-3333-4444-555555555555" }]);
    expect(since(seen)).toMatchObject(request ? [{ ...request, scope: "all-apis", status: 200 }] : []);
    // Tokens are announced as secrets before they are used.
    if (request) expect(told).toContain(await source.token());
    if (signIn.way === "github-oidc") expect(told).toEqual(expect.arrayContaining([...gitHub.tokens.slice(-1)]));
  });

  it("asks GitHub for the configured audience, or the workspace's own token endpoint", async () => {
    await sourceOf(federated).token();
    await failureOf(sourceOf({ way: "github-oidc" }).token());
    expect(gitHub.requests.slice(-2).map(({ audience }) => audience)).toEqual([
      "account-1",
      `https://${school.host}/oidc/v1/token`,
    ]);
  });

  it("makes one exchange for any number of connections, even at the same time", async () => {
    const seen = school.tokenRequests.length;
    const asked = gitHub.requests.length;
    school.faults.tokenEndpoint = [{ times: 1, delayMs: 100 }];
    const source = sourceOf(federated);
    const work = () => reads(settings(source), (reader) => Promise.all([1, 2, 3].map(() => reader.query(one))));
    await Promise.all([work(), work(), work(), deletes(settings(source), (warehouse) => warehouse.query(one))]);
    await work();
    expect(since(seen)).toHaveLength(1);
    expect(gitHub.requests).toHaveLength(asked + 1);
  });

  it("starts a stopped warehouse with the same credential", async () => {
    const said: string[] = [];
    const seen = school.tokenRequests.length;
    school.faults.coldStart = { seconds: 0.5 };
    const options = { signal: new AbortController().signal, onWaking: (text: string) => said.push(text) };
    expect(await reads(settings(sourceOf(machine)), (reader) => reader.query(one), options)).toEqual([{ one: 1 }]);
    expect(said).toEqual([expect.stringContaining("was asked to start")]);
    expect(since(seen)).toHaveLength(1);
  });
});

/** What must happen before a token expires takes time, which a busy machine may not give. */
const unhurried = { retry: 2 };

describe("tokens that expire", () => {
  it("are renewed before that, once for all connections, and no statement is refused", unhurried, async () => {
    school.faults.tokenLifetimeSeconds = 3;
    const seen = school.tokenRequests.length;
    const source = sourceOf(machine);
    await Promise.all(
      [1, 2].map(() =>
        reads(settings(source), (reader) =>
          until(async () => {
            await reader.query(one);
            return since(seen).length >= 2 && since(seen)[1]?.status === 200;
          }),
        ),
      ),
    );
    const [first, second] = since(seen);
    expect(second?.at).toBeLessThan((first?.at ?? 0) + 3000);
    expect(since(seen)).toHaveLength(2);
  });

  it("that could not be renewed in time are used while valid", unhurried, async () => {
    school.faults.tokenLifetimeSeconds = 3;
    const seen = school.tokenRequests.length;
    const source = sourceOf(machine);
    const token = await source.token();
    school.faults.tokenEndpoint = [{ times: 100, status: 503, retryAfter: 60 }];
    await until(async () => {
      expect(await source.token()).toBe(token);
      return since(seen).length >= 2 && since(seen)[1]?.status === 503;
    });
    // It failed at once, because the requested wait is too long; but no statement failed.
    expect(await reads(settings(source), (reader) => reader.query(one))).toEqual([{ one: 1 }]);
    expect(since(seen)).toHaveLength(2);
  });

  it("during a run: a rejected statement is sent again with another token, once", async () => {
    const seen = school.tokenRequests.length;
    await school.load("INSERT INTO sessions.classroom_sessions (id) VALUES ('gone')");
    const affected = await deletes(settings(sourceOf(machine)), async (warehouse) => {
      await warehouse.query(one);
      school.revokeTokens();
      const deleted = warehouse.deleteRows(rowsWith("sessions.classroom_sessions", "id", "gone"));
      const [count] = await Promise.all([deleted, ...[1, 2, 3].map(() => warehouse.query(one))]);
      return count;
    });
    // It was certainly not executed before, so the count is known.
    expect(affected).toBe(1);
    expect(since(seen)).toHaveLength(2);
  });

  /** Starts the work, revokes its token while it runs in the warehouse, so that fetching the result is refused. */
  async function revokedWhileItRuns<Result>(work: Promise<Result>): Promise<Result> {
    const seen = school.statements.length;
    await until(() => school.statements.slice(seen).some(({ sql }) => sql.includes("slow")));
    school.revokeTokens();
    return await work;
  }

  it("while a statement runs: a delete is repeated, and its row count is unknown, not zero", async () => {
    Object.assign(school.faults, { directResultsMs: 0, slowOperation: { seconds: 0.3, matching: "slow" } });
    await school.load("INSERT INTO sessions.classroom_sessions (id) VALUES ('slow')");
    const affected = await deletes(settings(sourceOf(machine)), (warehouse) =>
      revokedWhileItRuns(warehouse.deleteRows(rowsWith("sessions.classroom_sessions", "id", "slow"))),
    );
    expect(affected).toBeUndefined();
    expect(await school.query("SELECT id FROM sessions.classroom_sessions")).toEqual([]);
  });

  it("a statement that must not run twice is only sent again if it was certainly rejected", async () => {
    await school.load("INSERT INTO sessions.classroom_sessions (id, title) VALUES ('back', 'slow')");
    await deletes(settings(sourceOf(machine)), async (warehouse) => {
      const columns = ["id", "title"].map((name) => ({ name, before: name, type: "STRING" }));
      const rows = {
        ...{
          table: "sessions.classroom_sessions",
          key: "id",
          nameless: false,
          byKey: false,
          ofSomeTime: false,
          conditionNow: undefined,
          columns,
        },
        parameters: { id: "back" },
      };
      const [history] = await warehouse.query("DESCRIBE HISTORY sessions.classroom_sessions LIMIT 1");
      const version = Number(history?.version);
      await warehouse.deleteRows(rowsWith(rows.table, "id", "back"));
      school.revokeTokens();
      expect(await warehouse.restoreRows({ ...rows, version, condition: "id = :id" })).toBe(1);

      await warehouse.deleteRows(rowsWith(rows.table, "id", "back"));
      Object.assign(school.faults, { directResultsMs: 0, slowOperation: { seconds: 0.3, matching: "slow" } });
      const condition = "id = :id AND title = 'slow'";
      const failure = await failureOf(revokedWhileItRuns(warehouse.restoreRows({ ...rows, version, condition })));
      expect(failure.kind).toBe("sign-in");
      expect(school.statements.filter(({ sql }) => sql.includes("INSERT") && sql.includes("slow"))).toHaveLength(1);
    });
  });

  it("that are refused although new fail the statement, and are not requested again", async () => {
    const seen = school.tokenRequests.length;
    const failure = await reads(settings(sourceOf(machine)), (reader) => {
      school.faults.tokenExpiresAfterStatements = 0;
      return failureOf(reader.query(one));
    });
    expect(failure).toMatchObject({ kind: "sign-in", cure: expect.stringContaining("CAN USE on the warehouse") });
    expect(since(seen)).toHaveLength(2);
  });

  it("a personal access token is not renewed, and a refused one is not sent again", async () => {
    const failure = await reads(settingsFor(school, { token: "dapi-lasting" }), (reader) => {
      school.faults.tokenExpiresAfterStatements = 0;
      return failureOf(reader.query(one));
    });
    expect(failure).toMatchObject({ kind: "sign-in", cure: expect.stringContaining("Check DATABRICKS_TOKEN") });
  });
});

describe("a token endpoint that is busy or broken", () => {
  it.each([
    ["429", { times: 2, status: 429, retryAfter: 0 }, 3],
    ["500", { times: 1, status: 500 }, 2],
    ["503", { times: 1, status: 503 }, 2],
    ["a cut socket", { times: 1, cut: true }, 2],
  ] as const)("is retried after %s", async (_, misbehaving, requests) => {
    const seen = school.tokenRequests.length;
    school.faults.tokenEndpoint = [{ ...misbehaving }];
    expect(await reads(settings(sourceOf(machine)), (reader) => reader.query(one))).toEqual([{ one: 1 }]);
    expect(since(seen)).toHaveLength(requests);
  });

  it("so is GitHub's", async () => {
    gitHub.refuse.push(500);
    expect(await reads(settings(sourceOf(federated)), (reader) => reader.query(one))).toEqual([{ one: 1 }]);
  });

  it("fails if it asks for too long a wait", async () => {
    school.faults.tokenEndpoint = [{ times: 1, status: 429, retryAfter: 3600 }];
    expect(await failureOf(sourceOf(machine).token())).toMatchObject({
      kind: "sign-in",
      message: expect.stringContaining("HTTP 429"),
    });
  });

  it("that never answers is not waited for by a cancelled caller; the others get its answer", async () => {
    const controller = new AbortController();
    school.faults.tokenEndpoint = [{ times: 1, delayMs: 300 }];
    const source = sourceOf(machine);
    const [patient, impatient] = [source.token(), failureOf(source.token(controller.signal))];
    controller.abort(new Error("the stage's time is up"));
    expect(await impatient).toMatchObject({ kind: "cancelled", message: expect.stringContaining("the stage's time is up") });
    expect(await patient).toMatch(/^local-oauth-/);
  });

  it("that is not one: a web page, or no server", async () => {
    school.faults.tokenEndpoint = [{ times: 1, page: true }];
    expect(await failureOf(sourceOf(machine).token())).toMatchObject({
      kind: "sign-in",
      message: expect.stringContaining("without a token"),
      cure: expect.stringContaining("DATABRICKS_HOST"),
    });
    const nobody = tokenSource(machine, { host: "localhost:1" }, { env: {}, onSecret: () => undefined });
    expect(await failureOf(nobody.token())).toMatchObject({
      kind: "unreachable",
      message: expect.stringContaining("localhost:1"),
    });
  });
});

describe("refused, with a fix", () => {
  it.each<[string, SignIn, RegExp, RegExp]>([
    [
      "a wrong secret",
      { ...machine, clientSecret: "another-secret" } as SignIn,
      /refused the sign-in \(HTTP 401: invalid_client: Client authentication failed/,
      /service principal client-1 and its secret .*DATABRICKS_CLIENT_SECRET/,
    ],
    [
      "another audience",
      { ...federated, audience: "another-account" } as SignIn,
      /HTTP 401: invalid_grant/,
      /policy of the service principal client-1 .*issuer https:\/\/token\.actions\.githubusercontent\.com; subject repo:classwaves\/app:environment:sandbox; audience another-account/,
    ],
    [
      "a service principal's policy without its client id",
      { way: "github-oidc", audience: "account-1" },
      /HTTP 401: invalid_grant/,
      /account's federation policy .*databricks\.oidc\.clientId.*audience account-1/,
    ],
  ])("%s", async (_, signIn, message, cure) => {
    const seen = school.tokenRequests.length;
    const failure = await failureOf(reads(settings(sourceOf(signIn)), (reader) => reader.query(one)));
    expect(failure).toMatchObject({
      kind: "sign-in",
      message: expect.stringMatching(message),
      cure: expect.stringMatching(cure),
    });
    // A refusal is final: asking again would only lock the account sooner. And nothing else was sent instead.
    expect(since(seen)).toHaveLength(1);
    for (const token of told) expect(`${failure.message} ${failure.cure}`).not.toContain(token);
  });

  it("a job without id-token: write gets the name of the permission", async () => {
    const failure = await failureOf(sourceOf(federated, { GITHUB_ACTIONS: "true" }).token());
    expect(failure).toMatchObject({ kind: "sign-in", cure: expect.stringContaining("id-token: write") });
  });

  it("a terminal gets a message that it has no such token", async () => {
    const failure = await failureOf(sourceOf(federated, {}).token());
    expect(failure).toMatchObject({ kind: "sign-in", message: expect.stringContaining("exist only in jobs of GitHub Actions") });
  });

  it("a bearer token that GitHub refuses", async () => {
    const env = { ...gitHub.env, ACTIONS_ID_TOKEN_REQUEST_TOKEN: "another-bearer" };
    const failure = await failureOf(sourceOf(federated, env).token());
    expect(failure).toMatchObject({ kind: "sign-in", message: expect.stringContaining("HTTP 401") });
  });
});
