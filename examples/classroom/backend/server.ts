import { once } from "node:events";
import { createServer } from "node:http";
import express from "express";
import { admitOrigins, limitRate, smooth } from "./admission.ts";
import { Cache } from "./cache.ts";
import { databricksStore } from "./data/databricks-store.ts";
import { memoryStore } from "./data/memory-store.ts";
import { answerError, noSuchRoute } from "./errors.ts";
import { httpMetrics } from "./metrics.ts";
import { startRealtime } from "./realtime.ts";
import { analyticsRoutes, rosterRoutes } from "./routes/analytics.ts";
import { authRoutes } from "./routes/auth.ts";
import { healthRoutes, ready } from "./routes/health.ts";
import { sessionRoutes } from "./routes/sessions.ts";
import type { Settings } from "./settings.ts";

export interface RunningServer {
  port: number;
  /** Closes sockets and connections; nothing keeps the process alive afterwards. */
  close(): Promise<void>;
}

/** Listens immediately; the database and Redis are connected when first needed. */
export async function startServer(settings: Settings): Promise<RunningServer> {
  const { warehouse } = settings;
  const store = warehouse && !settings.quirks.has("silent-mock") ? databricksStore(warehouse) : memoryStore();
  const cache = new Cache(settings.redisUrl, settings.environment);
  const app = express();
  const server = createServer(app);
  const realtime = startRealtime(server, settings, cache);
  const metrics = httpMetrics(realtime.connections);

  app.disable("x-powered-by");
  app.use(metrics.count, admitOrigins(settings), limitRate(settings), smooth(settings), express.json({ limit: "100kb" }));
  app.get("/metrics", metrics.show);
  app.get("/api/v1/ready", ready);
  app.use("/api/v1/health", healthRoutes(settings, store, cache));
  app.use("/api/v1/auth", authRoutes(settings, cache));
  app.use("/api/v1/sessions", sessionRoutes(settings.jwtSecret, store, cache, realtime));
  app.use("/api/v1/analytics", analyticsRoutes(settings, store));
  app.use("/api/v1/roster", rosterRoutes(settings, store));
  app.use(noSuchRoute, answerError);

  server.listen(settings.port);
  await once(server, "listening");
  const address = server.address();
  return {
    port: typeof address === "object" && address ? address.port : settings.port,
    async close() {
      const closed = realtime.close();
      server.closeAllConnections();
      await closed;
      await Promise.all([cache.close(), store.close()]);
    },
  };
}
