import { prefix, track } from "@classwaves/env-actions/testkit";
import { test as base, expect, type Page } from "@playwright/test";
import { call, type MadeSession, type SignedIn, signIn } from "../api.ts";

/** Each test has its own teacher, who is already signed in: Google's page is not what we test. */
const test = base.extend<{ teacher: SignedIn }>({
  teacher: async ({ page }, use, info) => {
    const teacher = await signIn(`${info.project.name}-${info.testId}`);
    await page.addInitScript(
      (tokens) => sessionStorage.setItem("classroom.tokens", tokens),
      JSON.stringify({
        accessToken: teacher.token,
        refreshToken: teacher.refreshToken,
      }),
    );
    await page.goto("/");
    await expect(page.getByRole("status")).toHaveText("live");
    await use(teacher);
  },
});

async function startSession(page: Page, what: string, groups: number): Promise<{ id: string; accessCode: string }> {
  await page.getByLabel("Title").fill(`${prefix} ${what}`);
  await page.getByLabel("Groups", { exact: true }).and(page.getByRole("spinbutton")).fill(`${groups}`);
  await page.getByRole("button", { name: "Start session" }).click();
  await expect(page.locator("#access-code")).toHaveText(/^\d{6}$/);
  const id = (await page.locator("#session").getAttribute("data-session-id")) ?? "";
  track("sessions.classroom_sessions", id);
  return { id, accessCode: (await page.locator("#access-code").textContent()) ?? "" };
}

test("a teacher sees the desk, and a new session with its groups", async ({ page, teacher }) => {
  await expect(page.locator("#sign-in")).toBeHidden();
  await expect(page.getByRole("region", { name: "Your desk" })).toBeVisible();
  const { id } = await startSession(page, "shows its groups", 4);
  await expect(page.getByRole("heading", { level: 3 })).toHaveText(["Group 1", "Group 2", "Group 3", "Group 4"]);
  const { body } = await call<{ data: { session: MadeSession } }>("GET", `/sessions/${id}`, { token: teacher.token });
  expect(body.data.session.groups).toHaveLength(4);
});

test("members arrive live", async ({ page, teacher: _ }) => {
  const { id, accessCode } = await startSession(page, "members arrive", 2);
  for (const displayName of ["Robin", "Kim", "Noor"]) {
    expect((await call("POST", `/sessions/${id}/join`, { body: { accessCode, displayName } })).status).toBe(201);
    await expect(page.getByRole("listitem").filter({ hasText: new RegExp(`^${displayName}$`) })).toBeVisible();
  }
  await expect(page.locator("#member-count")).toHaveText("3");
});

test("a name is shown as text, whatever it holds", async ({ page, teacher: _ }) => {
  const { id, accessCode } = await startSession(page, "names", 1);
  const displayName = "<img src=x onerror=alert(1)>";
  await call("POST", `/sessions/${id}/join`, { body: { accessCode, displayName } });
  await expect(page.locator("#groups ul li")).toHaveText([displayName]);
});

test("an expired access token is refreshed", async ({ page, teacher: _ }) => {
  await page.evaluate(() => {
    const tokens = JSON.parse(sessionStorage.getItem("classroom.tokens") ?? "{}");
    sessionStorage.setItem("classroom.tokens", JSON.stringify({ ...tokens, accessToken: "expired" }));
  });
  await startSession(page, "after a refresh", 1);
});
