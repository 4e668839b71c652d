import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer as createPlainServer, type RequestListener, type Server } from "node:http";
import { createServer, request } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { makeCertificates } from "../../local/warehouse/certificate.ts";
import type { Warehouse } from "../../local/warehouse/index.ts";
import { failureOf, reads, settingsFor, startSchool } from "./harness.ts";

// A workspace's answer may name another address. Whoever stands there must get neither the token nor a statement: `expect.host` compared
// only the configured one. The driver's HTTP client would follow, and would send the token to another port of the same host.

const folder = mkdtempSync(join(tmpdir(), "redirects-"));
const certificateAuthority = join(folder, "authority.pem");
/** Requests that reached the address to which an answer sent us. */
const strays: string[] = [];
const stray: RequestListener = (received, response) => {
  strays.push(`${received.method} ${received.headers.authorization}`);
  response.writeHead(500).end();
};
const servers: Server[] = [];
let school: Warehouse;
let certificates: { key: string; cert: string };
let targets: Record<"another port" | "another host" | "plain HTTP", string>;

async function listen(server: Server): Promise<number> {
  servers.push(server);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

beforeAll(async () => {
  const { authority, certificate, key } = await makeCertificates([{ dns: "localhost" }, { ip: "127.0.0.1" }]);
  certificates = { key, cert: certificate };
  writeFileSync(certificateAuthority, authority);
  const [secure, plain] = [await listen(createServer(certificates, stray)), await listen(createPlainServer(stray))];
  targets = {
    "another port": `https://localhost:${secure}/sign-in?token=abc`,
    "another host": `https://127.0.0.1:${secure}/sign-in?token=abc`,
    "plain HTTP": `http://localhost:${plain}/sign-in?token=abc`,
  };
  school = await startSchool();
});
beforeEach(() => {
  strays.length = 0;
});
afterAll(async () => {
  for (const server of servers) server.closeAllConnections();
  for (const server of servers) server.close();
  await school.stop();
  rmSync(folder, { recursive: true });
});

const ways = [301, 302, 303, 307, 308].flatMap((status) =>
  (["another port", "another host", "plain HTTP"] as const).map((where) => [status, where] as const),
);

test.each(ways)("HTTP %i to %s is not followed", async (status, where) => {
  const location = targets[where];
  const port = await listen(createServer(certificates, (_, response) => response.writeHead(status, { location }).end()));
  const settings = settingsFor(school, { host: `localhost:${port}`, certificateAuthority, token: "dapi-secret" });
  const failure = await failureOf(reads(settings, (reader) => reader.query("SELECT 1")));
  expect(failure).toMatchObject({
    kind: "unreachable",
    message: expect.stringContaining(`got HTTP ${status}, a redirect to ${new URL(location).origin}. Redirects are not followed`),
  });
  expect(failure.message).not.toContain("abc");
  expect(strays).toEqual([]);
});

test("nor is one in the middle of a session", async () => {
  const { hostname, port } = new URL(`https://${school.host}`);
  const ca = readFileSync(school.certificateAuthority, "utf8");
  let redirects = false;
  const relay = createServer(certificates, (received, response) => {
    if (redirects) return void response.writeHead(307, { location: targets["another port"] }).end();
    const { method, url: path, headers } = received;
    const onward = request({ hostname, port, method, path, headers, ca }, (answer) => {
      response.writeHead(answer.statusCode ?? 0, answer.headers);
      answer.pipe(response);
    });
    received.pipe(onward);
  });
  const settings = settingsFor(school, { host: `localhost:${await listen(relay)}`, certificateAuthority });
  const failure = await reads(settings, async (reader) => {
    expect(await reader.query("SELECT 1 AS one")).toHaveLength(1);
    redirects = true;
    return await failureOf(reader.query("SELECT 'person@example.org'"));
  });
  expect(failure).toMatchObject({ kind: "unreachable" });
  expect(strays).toEqual([]);
});
