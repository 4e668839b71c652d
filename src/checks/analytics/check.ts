import { checkEndpoints } from "../api/check.ts";
import type { CheckContext } from "../kind.ts";
import { endpointIds, numberedIds, type RunningCheck, skipped, slug } from "../run-check.ts";
import type { Dashboard, Figure } from "./figures.ts";

/** Only dashboards with such figures load code for a warehouse. */
const code = () => import("./figures.ts");

export async function prepare(dashboards: readonly Dashboard[]): Promise<void> {
  if (dashboards.some(({ json }) => json.some(isFigure))) await code();
}

/** Checks each route like those of the API, and compares its figures with the warehouse, each in a check of its own. */
export function run(context: CheckContext, dashboards: readonly Dashboard[]): RunningCheck[] {
  const ofApi = dashboards.map((dashboard) => ({ ...dashboard, json: dashboard.json.filter((claim) => !isFigure(claim)) }));
  const ids = endpointIds("analytics", ofApi);
  const figures = dashboards.flatMap((dashboard, index) =>
    dashboard.json.filter(isFigure).map((figure) => ({ dashboard, figure, of: ids[index] ?? "analytics" })),
  );
  const figureIds = numberedIds(figures.map(({ figure, of }) => `${of}.${slug(figure.path) || "figure"}`));
  return [
    ...checkEndpoints(context, "analytics", ofApi),
    ...figures.map(async ({ dashboard, figure, of }, index) => {
      const id = figureIds[index] ?? of;
      const { api, warehouse, check } = context;
      const { checkFigure, titleOf } = await code();
      if (!api || !warehouse) return skipped(id, titleOf(dashboard, figure), "no databricks is configured");
      return await checkFigure(check, { api, opening: warehouse.open }, dashboard, figure, { id, of });
    }),
  ];
}

function isFigure(claim: Dashboard["json"][number]): claim is Dashboard["json"][number] & Figure {
  return claim.equalsSql !== undefined;
}
