import { expect, test } from "@playwright/test";
import { storeSession } from "../store.mjs";

// No page is opened, so no browser is needed: what matters here is what the suite makes of the report.
test("a session is stored", async () => expect(await storeSession(test.info().project.name)).toBe(1));
