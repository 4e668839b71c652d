import { readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:https";
import { delimiter, join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Certificates, makeCertificates } from "../../local/warehouse/certificate.ts";
import type { StageReport } from "../../src/model/report.ts";
import { freePort } from "../harness/free-port.ts";
import { listenForThisTest } from "../harness/port.ts";
import { freshBundle } from "../harness/process.ts";
import { type Scenario, startScenario } from "../stages/scenario.ts";
import { proxyPort, runWithoutNetwork, whyNoNamespace } from "./network.ts";
import { startProxy } from "./proxy.ts";

/**
 * The small ClassWaves in a network namespace: env-actions reaches the warehouse and the receiver of alerts through the proxy, and
 * not at all otherwise. The application has a way of its own to the warehouse, and everybody one to Redis, which has no proxy.
 */

const why = whyNoNamespace();
if (why !== undefined) process.stderr.write(`\n!!! SKIPPED: the classroom without direct connections: ${why}\n\n`);

let scenario: Scenario;
let certificates: Certificates;
let applicationPort: number;

beforeAll(async () => {
  if (why !== undefined) return;
  [scenario, certificates, applicationPort] = await Promise.all([
    startScenario(),
    makeCertificates([{ dns: "hooks.internal" }]),
    freePort(),
  ]);
  const config = join(scenario.workspace, ".github", "env-actions.yml");
  const written = await readFile(config, "utf8");
  const changed = written
    .replaceAll("DATABRICKS_HOST: ${PRODUCTION_DATABRICKS_HOST}", "DATABRICKS_HOST: ${APPLICATION_DATABRICKS_HOST}")
    .replace(
      "    environment:\n      E2E_",
      "    environment:\n      DATABRICKS_HOST: ${APPLICATION_DATABRICKS_HOST}\n      E2E_",
    )
    .replace(
      "    promotedFrom: local\n",
      '    promotedFrom: local\n    alerts: { terminal: true, webhook: { url: "${HOOK_URL}", secret: "${HOOK_SECRET}" } }\n',
    )
    // A browser needs a network of its own.
    .replace(/^ {2}e2e:\n(?: {4}.*\n)*/m, "  e2e: false\n");
  await writeFile(config, changed);
});
afterAll(() => scenario?.stop());

test.skipIf(why !== undefined)(
  "preflight, integration, smoke and alerts pass, and NO_PROXY holds",
  { timeout: 600_000 },
  async () => {
    const seen: string[] = [];
    const { certificate, key, authority } = certificates;
    const hooks = await listenForThisTest(
      createServer({ cert: certificate, key }, async (request, response) => {
        seen.push(`${request.url} ${(JSON.parse(await text(request)) as { verdict?: string }).verdict}`);
        response.end("{}");
      }),
    );
    const { world, workspace } = scenario;
    const { warehouse } = world;
    const proxy = await startProxy({ routes: { [warehouse.host]: warehouse.port, "hooks.internal:443": hooks } });
    const trusted = join(workspace, "trusted.pem");
    await writeFile(trusted, (await readFile(warehouse.certificateAuthority, "utf8")) + authority);
    const redis = Number(new URL(world.redisUrl).port);
    const address = `http://127.0.0.1:${proxyPort}`;
    const { CLASSROOM_BACKEND_PORT: backend, CLASSROOM_PRODUCTION_PORT: production } = world.env;
    const stage = async (name: string, environment: string, changes: Record<string, string> = {}) => {
      const deployment = name === "smoke" ? ["--deployment", "4711"] : [];
      const { status, stdout, stderr } = await runWithoutNetwork(
        [freshBundle, name, "--environment", environment, ...deployment],
        {
          doors: { [proxyPort]: proxy.port, [redis]: redis, [applicationPort]: warehouse.port },
          folder: workspace,
          cwd: workspace,
          env: {
            ...world.env,
            PATH: [join(import.meta.dirname, "..", "..", "node_modules", ".bin"), process.env.PATH ?? ""].join(delimiter),
            NODE_EXTRA_CA_CERTS: trusted,
            APPLICATION_DATABRICKS_HOST: `localhost:${applicationPort}`,
            HOOK_URL: "https://hooks.internal/hook",
            HOOK_SECRET: "secret-of-the-webhook",
            HTTPS_PROXY: address,
            HTTP_PROXY: address,
            NO_PROXY: `localhost:${backend},localhost:${production}`,
            ...changes,
          },
        },
      );
      const report = await readFile(join(workspace, ".env-actions", "reports", `${name}.json`), "utf8").catch(() => "{}");
      return { status, said: stdout + stderr, report: JSON.parse(report) as Partial<StageReport> };
    };
    for (const [name, environment] of [
      ["preflight", "local"],
      ["integration", "local"],
      ["smoke", "production"],
    ] as const) {
      const { status, said, report } = await stage(name, environment);
      expect(`${name} ${status} ${report.verdict} ${said}`).toMatch(new RegExp(`^${name} 0 (?:passed|degraded)`));
    }
    expect(new Set(proxy.log)).toEqual(new Set([`CONNECT ${warehouse.host}`]));

    const { report, status } = await stage("smoke", "production", { PRODUCTION_READER_TOKEN: "a-token-that-nobody-issued" });
    expect([1, 3]).toContain(status);
    expect(report.alerts).toMatchObject([{ channel: "webhook", outcome: "sent" }]);
    expect(seen).toEqual([`/hook ${report.verdict}`]);
    expect(await scenario.traces()).toEqual([]);
  },
);
