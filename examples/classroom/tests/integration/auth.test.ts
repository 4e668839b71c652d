import { describe, expect, it } from "vitest";
import { call, signIn } from "../api.ts";

describe("authentication", () => {
  it("mints no token without the secret", async () => {
    expect(await call("POST", "/auth/generate-test-token", { body: {} })).toMatchObject({
      status: 400,
      body: { error: "VALIDATION_ERROR" },
    });
  });

  it("mints no token for a wrong secret", async () => {
    expect((await call("POST", "/auth/generate-test-token", { body: { secretKey: "wrong" } })).status).toBe(401);
  });

  it("knows the teacher of a minted token", async () => {
    const { token, teacherId, schoolId } = await signIn();
    expect(await call("GET", "/auth/me", { token })).toMatchObject({
      status: 200,
      body: { teacher: { id: teacherId, schoolId, role: "teacher" } },
    });
  });

  it.each([
    ["no token", undefined],
    ["a forged token", "eyJhbGciOiJub25lIn0.e30.x"],
    ["no JWT at all", "secret"],
  ])("knows nobody with %s", async (_what, token) => {
    expect((await call("GET", "/auth/me", { token })).status).toBe(401);
  });

  it("gives a new access token for a refresh token, and refuses an access token in its place", async () => {
    const { token, refreshToken } = await signIn();
    const refreshed = await call<{ tokens: { accessToken: string } }>("POST", "/auth/refresh", { body: { refreshToken } });
    expect(refreshed.status).toBe(200);
    expect((await call("GET", "/auth/me", { token: refreshed.body.tokens.accessToken })).status).toBe(200);
    expect((await call("POST", "/auth/refresh", { body: { refreshToken: token } })).status).toBe(401);
  });

  it("refuses an empty sign-in with Google", async () => {
    expect(await call("POST", "/auth/google", { body: {} })).toMatchObject({ status: 400, body: { error: "VALIDATION_ERROR" } });
  });
});
