import { type Handler, Router } from "express";
import type { Cache } from "../cache.ts";
import type { Store } from "../data/store.ts";
import { identifyAdmin } from "../identity.ts";
import type { Settings } from "../settings.ts";

const databaseDeadlineMs = 5_000;
const probeSeconds = 10;

export function healthRoutes(settings: Settings, store: Store, cache: Cache): Router {
  const databaseIsConfigured = settings.warehouse !== undefined;

  /** `healthy` only means that nothing failed, and the mock is healthy too. */
  async function look() {
    const [redis, databricks] = await Promise.all([outcome(cache.ping()), outcome(store.serverTime())]);
    return { api: "healthy", redis, databricks: databaseIsConfigured ? databricks : "disabled", websocket: "healthy" };
  }

  const routes = Router();
  routes.get("/", async (_request, response) => {
    const services = await look();
    const degraded = Object.values(services).includes("unhealthy");
    response.status(degraded ? 503 : 200).json({
      status: degraded ? "degraded" : "healthy",
      services,
      uptime: process.uptime(),
      timestamp: new Date().toISOString(),
    });
  });

  routes.get("/databricks", async (_request, response) => {
    const started = performance.now();
    try {
      const serverTime = await inTime(store.serverTime());
      const timings = { total: Math.round(performance.now() - started) };
      response.json({
        success: true,
        data: { status: "healthy", timings, breaker: { state: "CLOSED", failures: 0 }, serverTime },
      });
    } catch (error) {
      console.error(`/health/databricks: ${error instanceof Error ? error.message : error}`);
      const timings = { total: Math.round(performance.now() - started) };
      response.status(503).json({
        success: false,
        data: { status: "unhealthy", timings, breaker: { state: "OPEN", failures: 1 }, serverTime: null },
      });
    }
  });

  routes.get("/detailed", async (_request, response) => {
    const services = await look();
    const cold = settings.quirks.has("cold-cache");
    response.status(cold ? 503 : 200).json({
      success: true,
      data: { status: cold ? "unknown" : "healthy", services, memory: process.memoryUsage(), cache: cold ? "cold" : "warm" },
    });
  });

  routes.get("/components", async (request, response) => {
    identifyAdmin(request, settings.jwtSecret);
    response.json({ success: true, data: { components: await look() } });
  });

  routes.get("/redis", async (_request, response) => {
    const value = `${Date.now()}`;
    await cache.set("health:probe", value, probeSeconds);
    const read = await cache.get("health:probe");
    await cache.delete("health:probe");
    response
      .status(read === value ? 200 : 503)
      .json({ success: read === value, data: { status: read === value ? "healthy" : "unhealthy" } });
  });
  return routes;
}

/** Always 200: only shows that the process listens. */
export const ready: Handler = (_request, response) => {
  response.json({ ready: true, timestamp: new Date().toISOString() });
};

async function outcome(look: Promise<unknown>): Promise<"healthy" | "unhealthy"> {
  try {
    await inTime(look);
    return "healthy";
  } catch (error) {
    console.error(`health: ${error instanceof Error ? error.message : error}`);
    return "unhealthy";
  }
}

/** A stopped warehouse may take minutes to answer, but a health page must not. */
async function inTime<T>(answer: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer in ${databaseDeadlineMs} ms`)), databaseDeadlineMs);
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
}
