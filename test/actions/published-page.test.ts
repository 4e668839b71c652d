import { once } from "node:events";
import type { RequestListener } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { type Certificates, makeCertificates } from "../../local/warehouse/certificate.ts";
import { judgePublished } from "../../src/action/dashboard.ts";
import { readPublished } from "../../src/action/published.ts";
import { dashboardHtml } from "../../src/dashboard/page.ts";
import { made, start } from "../history/places.ts";

/** An older run must not replace a newer page. A page that can't be read may be the newer one. */

const publicOnes = getCACertificates("default");
let certificates: Certificates;
beforeAll(async () => {
  certificates = await makeCertificates([{ ip: "127.0.0.1" }]);
  setDefaultCACertificates([...publicOnes, certificates.authority]);
});
afterAll(() => setDefaultCACertificates(publicOnes));

async function served(answer: RequestListener): Promise<string> {
  const server = createServer({ cert: certificates.certificate, key: certificates.key }, answer);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `https://127.0.0.1:${(server.address() as AddressInfo).port}/app/`;
}

const page = (at: number) => dashboardHtml([made(at, { finishedAt: new Date(at).toISOString() })], { now: at, staleAfterMs: 1 });
const [older, newer] = ["2026-11-30T10:00:00.000Z", "2026-11-30T11:00:00.000Z"];
const limits = { attemptMs: 500, pauseMs: 1 };

async function decided(answer: RequestListener, newest: string | undefined = older) {
  return judgePublished(await readPublished(await served(answer), limits), newest);
}

test.each([
  ["older data", older, newer, true],
  ["the same data", older, older, true],
  ["newer data", newer, older, false],
])("over a page with %s", async (_, theirs, ours, publish) => {
  const decision = await decided((_, response) => response.end(page(Date.parse(theirs))), ours);
  expect(decision).toMatchObject({ publish, why: expect.stringContaining(theirs) });
});

test("without records, nothing is published over a page, and something over none", async () => {
  expect(judgePublished({ is: "there", page: page(start) }, undefined).publish).toBe(false);
  expect(judgePublished({ is: "absent" }, undefined).publish).toBe(true);
});

test.each<[string, RequestListener, boolean, string]>([
  ["answers 404", (_, response) => response.writeHead(404).end("no page"), true, "nothing is published yet"],
  ["answers 403", (_, response) => response.writeHead(403).end(), false, "it answered 403"],
  ["answers 500 each time", (_, response) => response.writeHead(500).end(), false, "it answered 500"],
  ["shows a page to sign in", (_, response) => response.end("<title>Sign in</title>"), false, "another page"],
  ["says nothing", () => undefined, false, "could not be read"],
  ["closes the connection", (request) => request.socket.destroy(), false, "could not be read"],
  ["redirects for ever", (_, response) => response.writeHead(302, { location: "/again" }).end(), false, "redirects more than 5"],
  [
    "redirects to plain HTTP",
    (_, response) => response.writeHead(301, { location: "http://127.0.0.1:1/" }).end(),
    false,
    "not HTTPS",
  ],
])("a server that %s", async (_, answer, publish, why) => {
  expect(await decided(answer)).toMatchObject({ publish, why: expect.stringContaining(why) });
});

test("a certificate that nobody knows is no permission", async () => {
  const address = await served((_, response) => response.writeHead(404).end());
  setDefaultCACertificates(publicOnes);
  try {
    expect(judgePublished(await readPublished(address, limits), older).publish).toBe(false);
  } finally {
    setDefaultCACertificates([...publicOnes, certificates.authority]);
  }
});

test("a failure that passes is asked again, redirects are followed, and caches are passed by", async () => {
  let asked = 0;
  const decision = await decided((request, response) => {
    asked++;
    expect(request.headers["cache-control"]).toBe("no-cache");
    expect(request.headers.authorization).toBeUndefined();
    if (asked === 1) return response.writeHead(503).end();
    if (!request.url?.startsWith("/custom")) return response.writeHead(301, { location: "/custom" }).end();
    return response.end(page(Date.parse(newer)));
  });
  expect(decision.publish).toBe(false);
  expect(asked).toBe(3);
});

test("a page without end is read up to its head", async () => {
  const decision = await decided((_, response) => {
    response.write(page(Date.parse(newer)).slice(0, 20_000));
    const more = () => {
      while (response.writable && response.write("x".repeat(65_536)));
    };
    response.on("drain", more);
    more();
  });
  expect(decision).toMatchObject({ publish: false, why: expect.stringContaining(newer) });
});
