import { mkdir, mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { onTestFinished } from "vitest";
import { startWarehouse, type Warehouse } from "../../local/warehouse/index.ts";
import { performStage, type StageAnswer } from "../../src/app/run-stage.ts";
import type { StageName, StageReport } from "../../src/model/report.ts";
import type { Overrides } from "../../src/stages/context.ts";

/** Production and a copy in one local warehouse, and the tasks about the copy as a principal that may only read production. */

export interface CopyWorld {
  warehouse: Warehouse;
  stop(): Promise<void>;
}

const tables = {
  "users.teachers": { id: { type: "string", nullable: false }, name: "string", email: "string", created_at: "timestamp" },
  "users.pupils": { id: { type: "string", nullable: false }, name: "string", teacher_id: "string" },
  "sessions.classroom_sessions": { id: { type: "string", nullable: false }, teacher_id: "string", title: "string" },
} as const;

/** What the documentation tells to grant on production. */
export const readingProduction = ["USE CATALOG", "USE SCHEMA", "SELECT", "BROWSE"] as const;

export async function startCopyWorld(more: Record<string, readonly string[]> = {}): Promise<CopyWorld> {
  const principal = (user: string, privileges: readonly string[]) => ({
    user,
    grants: privileges.map((privilege) => ({
      privilege: privilege as "SELECT",
      on: privilege === "CREATE CATALOG" ? "METASTORE" : "classwaves",
    })),
    owns: ["staging"],
  });
  const warehouse = await startWarehouse({
    principals: {
      keeper: principal("keeper@school.example", readingProduction),
      ...Object.fromEntries(
        Object.entries(more).map(([token, privileges]) => [token, principal(`${token}@school.example`, privileges)]),
      ),
    },
  });
  const both = ["classwaves", "staging"].flatMap((catalog) =>
    Object.entries(tables).map(([name, columns]) => [`${catalog}.${name}`, { columns }] as const),
  );
  await warehouse.createTables(Object.fromEntries(both));
  return { warehouse, stop: () => warehouse.stop() };
}

export interface Asked {
  /** The token of the principal. */
  as?: string;
  overrides?: Overrides;
  environment?: string;
  /** Keys below `staging`. */
  staging?: string;
  /** Keys at the top. */
  config?: string;
  files?: Record<string, string>;
  /** A workspace of an earlier task. */
  workspace?: string;
}

export interface Done {
  report: StageReport;
  answer: StageAnswer;
  workspace: string;
  said: string[];
  check(id: string): StageReport["checks"][number] | undefined;
}

/** Grants differ by design: the copy belongs to the principal, and production does not. */
export const grantsLeftOut = "drift: { ignore: [{ object: '*', facet: grants, reason: 'production is not ours to grant' }] }";

export async function perform(world: CopyWorld, stage: StageName, asked: Asked = {}): Promise<Done> {
  const { as = "keeper", overrides = {}, staging = grantsLeftOut, files = {} } = asked;
  const { host, warehouseId, certificateAuthority } = world.warehouse;
  const workspace = asked.workspace ?? (await realpath(await mkdtemp(join(tmpdir(), "env-actions-copy-"))));
  if (!asked.workspace) onTestFinished(() => rm(workspace, { recursive: true, force: true }));
  const place = (catalog: string, more = "") =>
    `databricks: { host: "${host}", warehouse: ${warehouseId}, token: "\${TOKEN}", catalog: ${catalog}, certificateAuthority: ${certificateAuthority}${more} }`;
  const config = `version: 1
preset: none
defaultEnvironment: staging
environments:
  production:
    access: read-only
    ${place("classwaves")}
  staging:
    access: test-data
    ${place("staging", `, expect: { host: "${host}", catalog: staging }`)}
staging:
  original: production
  copy: staging
${staging.replaceAll(/^/gm, "  ")}
${asked.config ?? ""}
`;
  for (const [name, content] of Object.entries({ "c.yml": config, ...files })) {
    await mkdir(dirname(join(workspace, name)), { recursive: true });
    await writeFile(join(workspace, name), content);
  }
  const said: string[] = [];
  const answer = await performStage({
    stage,
    workspace,
    configFile: "c.yml",
    overrides,
    ...(asked.environment ? { environment: asked.environment } : {}),
    env: { PATH: process.env.PATH, HOME: process.env.HOME, TOKEN: as },
    cancel: new AbortController().signal,
    onProgress: (progress) => {
      if (progress.kind === "step" || progress.kind === "warning") said.push(progress.text);
    },
    onSecret: () => undefined,
  });
  const { report } = answer;
  return { report, answer, workspace, said, check: (id) => report.checks.find((one) => one.id === id) };
}
