import assert from "node:assert/strict";
import { test } from "node:test";
import { cache, storeSession } from "../store.mjs";

test("a session is stored", async () => assert.equal(await storeSession("session"), 1));
test("an access code is cached", async () => assert.equal(await cache("code", "42"), "42"));
