import { mkdir, mkdtemp, realpath, rm, symlink, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { onTestFinished } from "vitest";
import { secretKeeper } from "../../src/app/secret-keeper.ts";
import { newRunId } from "../../src/cleanup/run-id.ts";
import { resolveTables } from "../../src/config/classwaves.ts";
import { loadConfig, selectEnvironment } from "../../src/config/load.ts";
import type { AuditEvent } from "../../src/model/audit-event.ts";
import type { Progress, StageReport } from "../../src/model/report.ts";
import type { CutShort, Overrides } from "../../src/stages/context.ts";
import { runStage } from "../../src/stages/run.ts";

export interface Ran {
  report: StageReport;
  workspace: string;
  /** Steps and lines of output, as they came, without secrets. */
  said: string[];
  secrets: string[];
  check(id: string): StageReport["checks"][number] | undefined;
}

export interface Project {
  /** Of the environment, beside its access. */
  inside?: string;
  /** Of the stage. */
  settings: string;
  /** At the top of the file, such as `testData`. */
  beside?: string;
  files: Record<string, string>;
  /** Those of the files that an earlier run wrote. */
  old?: readonly string[];
  /** Folders elsewhere that the workspace has as if they were its own, such as `node_modules`. */
  links?: Record<string, string>;
  budgetMs?: number;
  overrides?: Overrides;
  runId?: string;
  /** The runs that a cleanup of scope `run` is about. */
  cleans?: string[];
  /** The stage was killed before, and this is what the post step does. */
  cutShort?: CutShort;
  /** Gets each note for the audit log. */
  audit?: (note: AuditEvent) => Promise<void>;
  /** Called with each step as it begins. */
  onStep?: (text: string) => void;
}

/**
 * Runs a stage with its real parts in a workspace of its own, on an environment that has no warehouse and no Redis unless `inside` says
 * so: `tests.mjs` stands for a project's tests, and `env` is handed to it.
 */
export async function runSuite(
  stage: "preflight" | "integration" | "e2e" | "cleanup",
  {
    inside = "",
    settings,
    beside = "",
    files,
    old = [],
    links = {},
    budgetMs = 30_000,
    overrides = {},
    runId = newRunId(),
    cleans,
    cutShort,
    audit = async () => undefined,
    onStep,
  }: Project,
  env: Record<string, string> = {},
): Promise<Ran> {
  const workspace = await realpath(await mkdtemp(join(tmpdir(), "env-actions-suite-")));
  onTestFinished(() => rm(workspace, { recursive: true, force: true }));
  const config = `version: 1
environments:
  local:
    access: test-data
${inside.replaceAll(/^/gm, "    ")}
stages:
  ${stage}:
${settings.replaceAll(/^/gm, "    ")}
${beside}
`;
  for (const [name, content] of Object.entries({ "c.yml": config, ...files })) {
    await mkdir(dirname(join(workspace, name)), { recursive: true });
    await writeFile(join(workspace, name), content);
  }
  for (const name of old) await utimes(join(workspace, name), 0, 1);
  // On Windows a link of this kind needs no permission.
  for (const [name, target] of Object.entries(links)) await symlink(target, join(workspace, name), "junction");
  const variables = { PATH: process.env.PATH, HOME: process.env.HOME, ...env };
  const loaded = await loadConfig({ file: "c.yml", cwd: workspace, env: variables });
  const selected = selectEnvironment(loaded.config, "local");
  const secrets: string[] = [];
  const keeper = secretKeeper((secret) => secrets.push(secret));
  const said: string[] = [];
  const onProgress = (progress: Progress) => {
    if (progress.kind === "step") {
      said.push(progress.text);
      onStep?.(progress.text);
    }
    if (progress.kind === "output") said.push(progress.line);
  };
  await mkdir(join(workspace, ".env-actions", "logs"), { recursive: true });
  const report = await runStage({
    context: {
      stage,
      config: loaded.config,
      tables: resolveTables(loaded.config.testData),
      environment: { ...selected.environment, name: "local" },
      runId,
      runStarted: Number(runId.split("_")[0]),
      workspace,
      records: join(workspace, ".env-actions"),
      env: variables,
      onProgress,
      secrets: keeper,
      history: async () => undefined,
      baseline: new Map(),
      overrides,
      ...(cleans ? { cleans: { runs: cleans.map((run) => ({ runId: run, tracked: false })), leftAlone: [] } } : {}),
    },
    audit,
    cancel: new AbortController().signal,
    budgetMs,
    commit: { sha: "0".repeat(40) },
    origin: { kind: "terminal" },
    refusal: undefined,
    cutShort,
  });
  return { report, workspace, said, secrets, check: (id) => report.checks.find((check) => check.id === id) };
}

/** A JUnit report of one test that passed, unless told otherwise. */
export function junit(inside = '<testcase name="works" time="0.01"/>'): string {
  return `<testsuite name="suite">${inside}</testsuite>`;
}
