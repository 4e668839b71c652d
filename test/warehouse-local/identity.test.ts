import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { keep, keptIdentity } from "../../local/warehouse/identity.ts";
import { startWarehouse } from "../../local/warehouse/index.ts";
import { folderForEachTest } from "../harness/folder.ts";
import { call } from "./https.ts";

// People copy host, tokens and CA file once; they must not have to do it again after each start.

const folder = folderForEachTest();

async function started(during: (warehouse: Awaited<ReturnType<typeof startWarehouse>>, token: string) => Promise<void>) {
  const identity = await keptIdentity(folder.path);
  const warehouse = await startWarehouse({
    port: identity.port,
    certificates: identity.certificates,
    principals: { [identity.tokens.write]: { user: "a@school.test", grants: [] } },
  });
  try {
    const file = keep(folder.path, { ...identity, port: warehouse.port });
    await during(warehouse, identity.tokens.write);
    return { host: warehouse.host, file, authority: readFileSync(file, "utf8"), token: identity.tokens.write };
  } finally {
    await warehouse.stop();
  }
}

test("a second start has the host, the token and the authority of the first", async () => {
  const first = await started(async () => undefined);
  const second = await started(async (warehouse, token) => {
    expect(token).toBe(first.token);
    // The authority of the first start verifies the second one's certificate.
    const known = { ...warehouse, certificateAuthority: first.file };
    const { status } = await call(known, "GET", `/api/2.0/sql/warehouses/${warehouse.warehouseId}`, {
      authorization: `Bearer ${first.token}`,
    });
    expect(status).toBe(200);
  });
  expect(second).toEqual(first);
});

test("a certificate that ends within a month is replaced; host and tokens stay", async () => {
  const first = await started(async () => undefined);
  const later = await keptIdentity(folder.path, new Date(Date.now() + 340 * 86_400_000));
  expect(later.tokens.write).toBe(first.token);
  expect(`localhost:${later.port}`).toBe(first.host);
  expect(later.certificates.authority).not.toBe(first.authority);
});

test.each(["", "{", "{}", '{"port":1,"tokens":{},"certificates":{}}'])("what cannot be read is replaced: %j", async (text) => {
  mkdirSync(folder.path, { recursive: true });
  writeFileSync(join(folder.path, "identity.json"), text);
  const { tokens, port } = await keptIdentity(folder.path);
  expect(tokens.write).toMatch(/^dapi-local-[0-9a-f]{24}$/);
  expect(port).toBe(0);
});
