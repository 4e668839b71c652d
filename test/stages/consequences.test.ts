import { Server } from "socket.io";
import { describe, expect, it } from "vitest";
import { api } from "../../src/checks/api/kind.ts";
import { checkAuth } from "../../src/checks/auth/check.ts";
import { checkConnection, peerOf } from "../../src/checks/connection.ts";
import { checkDiscovery, checkOauth } from "../../src/checks/oauth/check.ts";
import { checkNamespace, checkWrongToken } from "../../src/checks/websocket/check.ts";
import { environmentSchema } from "../../src/config/schema.ts";
import { type Check, type Verdict, worstVerdict } from "../../src/model/report.ts";
import { asConsequences } from "../../src/stages/run-checks.ts";
import { json, serve } from "../checks/api.ts";
import { runOnce } from "../checks/run-once.ts";

function found(id: string, verdict: Verdict): Check {
  return { id, title: id, verdict, message: `${id} ${verdict}`, durationMs: 1 };
}

const { dependsOn } = api;
const dead = ["databricks.connect", "redis.ping"];
/** The application needs none of these. */
const beside = [
  "databricks.proof",
  "databricks.read-only",
  "databricks.certificate",
  "databricks.token",
  "sql.teachers",
  "redis.read-only",
  "redis.hit-rate",
  "redis.certificate",
];

describe("a failed application", () => {
  const health = found("api.health", "failed");

  it.each(dead)("may only suffer where %s could not be looked at", (id) => {
    const [check] = asConsequences(dependsOn, [found("databricks.read-only", "error"), found(id, "error")], [health]);
    expect(check).toMatchObject({
      verdict: "error",
      cause: id,
      message: `Possible cause: ${id} could not be checked. api.health failed`,
    });
  });

  it.each(beside)("is failed where only %s could not be looked at, and so is the stage", (id) => {
    const base = [...dead.map((below) => found(below, "passed")), found(id, "error")];
    expect(asConsequences(dependsOn, base, [health])).toEqual([health]);
  });

  it.each<Verdict>(["passed", "degraded", "failed", "skipped"])("is failed where all below it is %s", (verdict) => {
    expect(
      asConsequences(
        dependsOn,
        [...dead, ...beside].map((id) => found(id, verdict)),
        [health],
      ),
    ).toEqual([health]);
  });
});

// Whoever is let in by the real thing: the wording is the checks' own.
describe("what no dead database explains stays failed", () => {
  const below = [found("redis.ping", "error")];
  const kept = async (checking: Promise<Check | Check[]>) => {
    const checks = [await checking].flat();
    expect(worstVerdict(checks.map(({ verdict }) => verdict))).toBe("failed");
    expect(asConsequences(dependsOn, below, checks)).toEqual(checks);
  };
  const auth = (written: object) => {
    const environment = environmentSchema.parse({ access: "read-only", auth: { mint: "/mint", use: "/me", ...written } });
    if (!environment.auth) throw new Error("no auth was configured");
    return environment.auth;
  };
  const letsIn = () => serve((_, response) => json(response, 200, { tokens: { accessToken: "minted" } }));

  it("test tokens that are on", async () => {
    await kept(checkAuth(runOnce, await letsIn(), auth({ enabled: false }), undefined));
  });

  it("a secret that is not looked at", async () => {
    await kept(checkAuth(runOnce, await letsIn(), auth({ secret: "right" }), () => Promise.resolve({ token: "minted" })));
  });

  it("an empty sign-in that was accepted; one that broke may suffer", async () => {
    const oauth = { path: "/oauth", code: "INVALID" };
    await kept(checkOauth(runOnce, await letsIn(), oauth as Parameters<typeof checkOauth>[2]));
    const broken = await checkOauth(
      runOnce,
      await serve((_, response) => json(response, 500, {})),
      oauth as Parameters<typeof checkOauth>[2],
    );
    expect([broken, ...asConsequences(dependsOn, below, [broken])].map(({ verdict }) => verdict)).toEqual(["failed", "error"]);
  });

  it("the provider's own document", async () => {
    const provider = await serve((_, response) => json(response, 404, {}));
    await kept(checkDiscovery(runOnce, provider, `${provider.url}/.well-known/openid-configuration`));
  });

  it("the connection itself", async () => {
    const { url, signal } = await serve((_, response) => json(response, 200, {}));
    await kept(checkConnection(runOnce, "api.connection", "Connection", peerOf(url), { leastDays: 1, http: "HTTP/2" }, signal));
  });

  it("a socket that let somebody in; one that refused a fresh token may suffer", async () => {
    const { url, signal } = await serve((_, response) => json(response, 404, {}));
    const sockets = new Server(0, { serveClient: false });
    sockets.of("/open");
    sockets.of("/closed").use((_, next) => next(new Error("Invalid token")));
    const { port } = sockets.httpServer.address() as { port: number };
    const ports = { url: url.replace(/\d+$/, String(port)), path: "/socket.io/", headers: {}, signal };
    try {
      await kept(checkNamespace(runOnce, ports, "/open", 5_000, undefined));
      await kept(checkWrongToken(runOnce, ports, "/open", 5_000));
      const refused = await checkNamespace(runOnce, ports, "/closed", 5_000, () => Promise.resolve("fresh"));
      expect([refused, ...asConsequences(dependsOn, below, [refused])].map(({ verdict }) => verdict)).toEqual([
        "failed",
        "error",
      ]);
    } finally {
      await sockets.close();
    }
  });
});
