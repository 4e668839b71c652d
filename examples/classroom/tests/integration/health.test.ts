import { describe, expect, it } from "vitest";
import { call, signIn } from "../api.ts";
import { backendUrl } from "../run.ts";

describe("health", () => {
  it("says that it listens", async () => {
    expect(await call("GET", "/ready")).toMatchObject({ status: 200, body: { ready: true } });
  });

  it("finds every service healthy", async () => {
    const services = { api: "healthy", redis: "healthy", databricks: "healthy" };
    expect(await call("GET", "/health")).toMatchObject({ status: 200, body: { status: "healthy", services } });
  });

  it("shows the database's own clock, which moves", async () => {
    const serverTime = async () =>
      (await call<{ data: { serverTime: string } }>("GET", "/health/databricks")).body.data.serverTime;
    const first = await serverTime();
    expect(first).toMatch(/^\d{4}-\d\d-\d\dT/);
    expect((await serverTime()) > first).toBe(true);
  });

  it("writes and reads a probe in Redis", async () => {
    expect(await call("GET", "/health/redis")).toMatchObject({ status: 200, body: { success: true } });
  });

  it("shows its parts to administrators only", async () => {
    const teacher = await signIn();
    const admin = await signIn("admin", "admin");
    expect((await call("GET", "/health/components")).status).toBe(401);
    expect((await call("GET", "/health/components", { token: teacher.token })).status).toBe(403);
    expect((await call("GET", "/health/components", { token: admin.token })).status).toBe(200);
  });

  it("counts requests for Prometheus", async () => {
    const text = await (await fetch(`${backendUrl}/metrics`)).text();
    expect(text).toMatch(/^classroom_http_requests_total\{status="200"\} [1-9]/m);
  });
});
