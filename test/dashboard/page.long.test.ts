import { expect, test } from "vitest";
import { dashboardHtml } from "../../src/dashboard/page.ts";
import { worldEnd, worldOf } from "../history/world.ts";

/** However many records there are, a browser can open the page. Beyond a number, older ones are counted together. */

test.each([1_000, 10_000, 30_000])("%i records make a page of at most 500 kB", (records) => {
  const page = dashboardHtml(worldOf({ records }), { now: worldEnd, staleAfterMs: 8 * 86_400_000 });
  expect(Buffer.byteLength(page)).toBeLessThan(500_000);
});
