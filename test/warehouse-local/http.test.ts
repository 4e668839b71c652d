import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startWarehouse, type Warehouse } from "../../local/warehouse/index.ts";
import { connect } from "./client.ts";
import { type Answer, call } from "./https.ts";

// Besides the driver, the suite uses plain HTTPS to exchange tokens and start warehouses.
let warehouse: Warehouse;

beforeAll(async () => {
  warehouse = await startWarehouse({
    principals: { token: { user: "service@school.test", grants: [], admin: true } },
    oauthClients: { "client-1": { secret: "s3cret:with colon", user: "service@school.test" } },
    federation: [
      {
        issuer: "https://token.actions.githubusercontent.com",
        audience: "account-1",
        subject: "repo:classwaves/app:environment:staging",
        user: "service@school.test",
        clientId: "client-1",
      },
    ],
  });
});

afterAll(() => warehouse.stop());

const send = (...request: Parameters<typeof call> extends [Warehouse, ...infer Rest] ? Rest : never): Promise<Answer> =>
  call(warehouse, ...request);

const form = (fields: Record<string, string>, headers: Record<string, string> = {}): Promise<Answer> =>
  send("POST", "/oidc/v1/token", headers, new URLSearchParams({ scope: "all-apis", ...fields }).toString());

describe("REST", () => {
  const path = () => `/api/2.0/sql/warehouses/${warehouse.warehouseId}`;

  it("returns the state for any valid token", async () => {
    expect(await send("GET", path(), { authorization: "Bearer token" })).toMatchObject({
      status: 200,
      body: { state: "RUNNING", id: warehouse.warehouseId },
    });
    expect((await send("GET", path())).status).toBe(401);
    expect((await send("GET", path(), { authorization: "Bearer wrong" })).status).toBe(403);
  });

  it("knows no other warehouse, method or path", async () => {
    const headers = { authorization: "Bearer token" };
    expect(await send("GET", "/api/2.0/sql/warehouses/other", headers)).toMatchObject({
      status: 404,
      body: { error_code: "RESOURCE_DOES_NOT_EXIST" },
    });
    expect((await send("DELETE", path(), headers)).status).toBe(405);
    expect((await send("GET", "/elsewhere", headers)).status).toBe(404);
  });
});

describe("OAuth", () => {
  it("is found by discovery", async () => {
    const { body } = await send("GET", "/oidc/.well-known/oauth-authorization-server");
    expect(body).toMatchObject({ token_endpoint: `https://localhost:${warehouse.port}/oidc/v1/token` });
  });

  it("gives a working token for a client's credentials, in the header or the form", async () => {
    const basic = Buffer.from(`client-1:${encodeURIComponent("s3cret:with colon")}`).toString("base64");
    const byHeader = await form({ grant_type: "client_credentials" }, { authorization: `Basic ${basic}` });
    const byForm = await form({ grant_type: "client_credentials", client_id: "client-1", client_secret: "s3cret:with colon" });
    for (const { status, body } of [byHeader, byForm]) {
      expect([status, body.token_type]).toEqual([200, "Bearer"]);
      const client = await connect(warehouse, String(body.access_token));
      expect(await client.rows("SELECT current_user() AS u")).toEqual([{ u: "service@school.test" }]);
      await client.close();
    }
  });

  it("refuses a wrong secret, an unknown client, another grant and another scope", async () => {
    const wrong = { grant_type: "client_credentials", client_id: "client-1", client_secret: "no" };
    expect(await form(wrong)).toMatchObject({ status: 401, body: { error: "invalid_client" } });
    expect(await form({ ...wrong, client_id: "toString" })).toMatchObject({ status: 401 });
    expect(await form({ grant_type: "password" })).toMatchObject({ status: 400, body: { error: "unsupported_grant_type" } });
    const good = { ...wrong, client_secret: "s3cret:with colon" };
    expect(await form({ ...good, scope: "sql" })).toMatchObject({ status: 400, body: { error: "invalid_scope" } });
  });

  const claims = {
    iss: "https://token.actions.githubusercontent.com",
    aud: "account-1",
    sub: "repo:classwaves/app:environment:staging",
    exp: 4_000_000_000,
  };
  const jwt = (payload: object): string => `e30.${Buffer.from(JSON.stringify(payload)).toString("base64url")}.c2ln`;
  const exchange = (subject: string, extra: Record<string, string> = {}): Promise<Answer> =>
    form({
      grant_type: "urn:ietf:params:oauth:grant-type:token-exchange",
      subject_token_type: "urn:ietf:params:oauth:token-type:jwt",
      subject_token: subject,
      client_id: "client-1",
      ...extra,
    });

  it("exchanges a foreign token that a policy knows", async () => {
    const { status, body } = await exchange(jwt(claims));
    expect(status).toBe(200);
    const client = await connect(warehouse, String(body.access_token));
    await client.close();
  });

  it.each<[string, string, Record<string, string>, number]>([
    ["another audience", jwt({ ...claims, aud: "account-2" }), {}, 401],
    ["another subject", jwt({ ...claims, sub: "repo:classwaves/app:ref:refs/heads/main" }), {}, 401],
    ["another issuer", jwt({ ...claims, iss: "https://example.test" }), {}, 401],
    ["an expired token", jwt({ ...claims, exp: 1 }), {}, 401],
    ["another client", jwt(claims), { client_id: "client-2" }, 401],
    ["no JWT", "nonsense", {}, 400],
    ["another kind of token", jwt(claims), { subject_token_type: "urn:ietf:params:oauth:token-type:access_token" }, 400],
  ])("refuses %s", async (_, subject, extra, status) => {
    expect((await exchange(subject, extra)).status).toBe(status);
  });

  it("never accepts the foreign token itself as a bearer token", async () => {
    await expect(connect(warehouse, jwt(claims))).rejects.toMatchObject({ statusCode: 403 });
  });
});
