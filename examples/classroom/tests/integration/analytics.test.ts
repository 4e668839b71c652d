import { describe, expect, it } from "vitest";
import { call, makeSession, signIn } from "../api.ts";

interface Realtime {
  data: { activeSessions: number };
}

describe("analytics", () => {
  it.each(["/analytics/dashboard/realtime", "/analytics/dashboard/summary", "/roster/overview"])(
    "%s is for teachers",
    async (path) => {
      expect((await call("GET", path)).status).toBe(401);
      expect((await call("GET", path, { token: (await signIn()).token })).status).toBe(200);
    },
  );

  it("count a session as soon as it exists", async () => {
    const teacher = await signIn("counted");
    const active = async () => (await call<Realtime>("GET", "/analytics/dashboard/realtime", teacher)).body.data.activeSessions;
    const before = await active();
    await makeSession(teacher, "counted");
    expect(await active()).toBeGreaterThan(before);
  });
});
