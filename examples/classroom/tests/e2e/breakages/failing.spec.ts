import { expect, test } from "@playwright/test";

/** CLASSROOM_BREAK=e2e-failing-test: several, because the gate tolerates one failure in ten. */
for (const n of [1, 2]) {
  test(`fails on purpose (${n})`, async ({ page }) => {
    // On a page, so that the failure leaves a screenshot.
    await page.goto("/");
    expect(`answer ${n}`).toBe("the right answer");
  });
}
