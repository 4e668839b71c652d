import { trackKey } from "@classwaves/env-actions/testkit";
import { expect, test } from "@playwright/test";
import { call } from "../api.ts";
import { backendUrl, keyPrefix } from "../run.ts";

test("a stranger sees the form and nothing else, nor hears anything live", async ({ page }) => {
  await page.goto("/");
  await expect(page.getByRole("heading", { name: "Sign in" })).toBeVisible();
  await expect(page.getByRole("region", { name: "Your desk" })).toBeHidden();
  await expect(page.getByRole("status")).toHaveText("offline");
  const refusal = await page.evaluate(async (url) => {
    const bundle = "/socket.io.js";
    const { io } = await import(bundle);
    return new Promise((resolve) => {
      io(`${url}/sessions`, { transports: ["websocket"] }).on("connect_error", (error: Error) => resolve(error.message));
    });
  }, backendUrl);
  expect(refusal).toBe("Authentication token required");
});

test("a wrong secret is refused in words", async ({ page }) => {
  await page.goto("/");
  await page.getByLabel("E-mail").fill("robin@testschool.edu");
  await page.getByLabel("Test secret").fill("wrong");
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByRole("alert")).toHaveText("wrong secret key");
  await expect(page.getByRole("region", { name: "Your desk" })).toBeHidden();
});

test("the right secret opens the desk, and signing out closes it", async ({ page }) => {
  await page.goto("/");
  await page.getByLabel("E-mail").fill("robin@testschool.edu");
  await page.getByLabel("Test secret").fill(process.env.TEST_TOKEN_SECRET ?? "");
  const answered = page.waitForResponse((response) => response.url().endsWith("/auth/generate-test-token"));
  await page.getByRole("button", { name: "Sign in" }).click();
  // The page doesn't know the run, so the keys of this sign-in don't contain its id.
  const { sessionId, teacher } = (await (await answered).json()) as { sessionId: string; teacher: { id: string } };
  for (const name of ["secure_session", "tokens"].map((kind) => `${kind}:${teacher.id}:${sessionId}`))
    for (const key of [`${keyPrefix}${name}`, name]) trackKey(key);
  await expect(page.getByRole("region", { name: "Your desk" })).toBeVisible();
  await expect(page.getByRole("status")).toHaveText("live");
  await page.getByRole("button", { name: "Sign out" }).click();
  await expect(page.getByRole("heading", { name: "Sign in" })).toBeVisible();
  await page.reload();
  await expect(page.getByRole("heading", { name: "Sign in" })).toBeVisible();
});

test("a token that nobody issued is refused", async ({ page }) => {
  await page.addInitScript(() => sessionStorage.setItem("classroom.tokens", '{"accessToken":"a.b.c","refreshToken":"d.e.f"}'));
  await page.goto("/");
  await expect(page.getByRole("heading", { name: "Sign in" })).toBeVisible();
  await expect(page.getByRole("region", { name: "Your desk" })).toBeHidden();
});

for (const path of ["/sessions", "/analytics/dashboard/summary", "/roster/overview", "/auth/me"]) {
  test(`${path} refuses strangers`, async () => {
    expect((await call("GET", path)).status).toBe(401);
  });
}
