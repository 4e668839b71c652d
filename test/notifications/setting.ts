import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { historyOf } from "../../src/app/history.ts";
import { remember } from "../../src/app/remember.ts";
import { secretKeeper } from "../../src/app/secret-keeper.ts";
import type { AuditRecord } from "../../src/audit/chain.ts";
import { alertsSchema, rollbackSchema } from "../../src/config/after-verdict-schema.ts";
import type { Config } from "../../src/config/schema.ts";
import { redacted } from "../../src/lib/redaction/redactor.ts";
import type { HistoryRecord } from "../../src/model/history.ts";
import type { Check, StageReport, Verdict } from "../../src/model/report.ts";
import { type AfterVerdict, applyRollback, sendAlerts } from "../../src/notifications/after-verdict.ts";
import { degradedSmoke } from "../report/sample.ts";

/** Runs what follows a verdict, and leaves the record for the next run, without running a stage. */
export interface Setting {
  records: string;
  /** The records that these runs left, oldest first. */
  history(): Promise<HistoryRecord[]>;
  audit: AuditRecord[];
  secrets: ReturnType<typeof secretKeeper>;
  after(report: StageReport, options: Configured): Promise<StageReport>;
  stop(): Promise<void>;
}

export interface Configured extends Partial<Omit<AfterVerdict, "alerts" | "rollback">> {
  /** The settings of the configuration file, with secrets filled in. */
  alerts?: object;
  rollback?: object;
  /** `history.store` of the configuration. */
  store?: Config["history"]["store"];
}

/** Limits that a busy machine can keep; only the pauses are short. */
const limits = { attemptMs: 20_000, totalMs: 60_000, attempts: 3, firstPauseMs: 1 };
/** Limits for a receiver that never answers. */
export const impatient = { ...limits, attemptMs: 200 };

let runs = 0;

/** Each run has an id of its own. */
export function newRun(): Pick<StageReport, "runId" | "startedAt" | "finishedAt"> {
  const now = Date.now();
  runs++;
  const at = new Date(now).toISOString();
  return { runId: `${now + runs}_${runs.toString(16).padStart(8, "0")}`, startedAt: at, finishedAt: at };
}

export async function newSetting(): Promise<Setting> {
  const records = await mkdtemp(join(tmpdir(), "aftermath-"));
  const audit: AuditRecord[] = [];
  const secrets = secretKeeper(() => undefined);
  const historyIn = (store: Config["history"]["store"]) =>
    historyOf({ config: { history: { store, keep: 0 } }, records, workspace: records, env: {} });
  return {
    records,
    audit,
    secrets,
    history: async () => (await (await historyIn("workspace")())?.all())?.records ?? [],
    async after(given, { alerts, rollback, store = "workspace", ...options }) {
      const aftermath: AfterVerdict = {
        alerts: alerts && alertsSchema.parse(alerts),
        rollback: rollback && rollbackSchema.parse(rollback),
        history: historyIn(store),
        deployment: undefined,
        records,
        workspace: records,
        commandEnv: { PATH: process.env.PATH ?? "" },
        env: {},
        githubToken: undefined,
        cancelled: false,
        cancel: new AbortController().signal,
        audit: async (note) => void audit.push(note),
        secrets,
        onLine: () => undefined,
        limits,
        retry: { firstPauseMs: 1, deadlineMs: 30_000 },
        ...options,
      };
      const rolledBack = await applyRollback({ ...given, ...newRun() }, aftermath);
      const { report, memory, release } = await sendAlerts(rolledBack.report, aftermath);
      const facts = { rollbackAgain: rolledBack.again ?? false, ...(memory ? { alerts: memory } : {}) };
      await remember(redacted(report, secrets.redact), {
        history: aftermath.history,
        env: aftermath.env,
        redact: secrets.redact,
        facts,
      });
      await release();
      return report;
    },
    stop: () => rm(records, { recursive: true, force: true }),
  };
}

export function smoke(verdict: Verdict, rest: Partial<StageReport> = {}, ids: string[] = ["api.health"]): StageReport {
  const bad = (id: string): Check => ({ id, title: `GET ${id}`, verdict, message: "HTTP 503: it is down", durationMs: 12 });
  return {
    ...degradedSmoke(),
    verdict,
    reason: verdict === "passed" ? "2 checks passed" : "GET api.health: HTTP 503: it is down",
    checks: [...ids.map(bad), { id: "redis.ping", title: "Redis PING", verdict: "passed", durationMs: 2 }],
    ...rest,
  };
}
