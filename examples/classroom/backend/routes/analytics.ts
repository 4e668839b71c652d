import { Router } from "express";
import type { Figures, Store } from "../data/store.ts";
import { identify } from "../identity.ts";
import type { Settings } from "../settings.ts";

/** What the dashboards always show with these quirks. */
const constants: Figures = { activeSessions: 3, totalSessions: 42, groups: 12, students: 96, teachers: 8 };

export function analyticsRoutes(settings: Settings, store: Store): Router {
  const hardCoded = settings.quirks.has("hard-coded-analytics");
  const figuresOf = async (schoolId: string) => {
    if (hardCoded) return { ...constants, calculatedAt: null };
    if (settings.quirks.has("hard-coded-figures")) return { ...constants, calculatedAt: await store.serverTime() };
    const [figures, calculatedAt] = await Promise.all([store.figures(schoolId), store.serverTime()]);
    return { ...figures, calculatedAt };
  };

  const routes = Router();
  routes.get("/dashboard/realtime", async (request, response) => {
    const { activeSessions, groups, calculatedAt } = await figuresOf(identify(request, settings.jwtSecret).schoolId);
    response.json({ success: true, data: { activeSessions, groups, calculatedAt } });
  });
  routes.get("/dashboard/summary", async (request, response) => {
    response.json({ success: true, data: await figuresOf(identify(request, settings.jwtSecret).schoolId) });
  });
  // Always reports healthy, as in the real ClassWaves, and so proves nothing.
  routes.get("/health", (_request, response) => {
    response.json({ success: true, data: { status: "healthy", computation: "operational" } });
  });
  return routes;
}

export function rosterRoutes(settings: Settings, store: Store): Router {
  const routes = Router();
  routes.get("/overview", async (request, response) => {
    const { schoolId } = identify(request, settings.jwtSecret);
    const { students, teachers, groups } = await store.figures(schoolId);
    response.json({ success: true, data: { schoolId, students, teachers, groups } });
  });
  return routes;
}
