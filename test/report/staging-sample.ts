import type { Check, StageReport } from "../../src/model/report.ts";
import { type Difference, type Drift, type FacetDrift, facets } from "../../src/model/staging.ts";
import { facetChecks } from "../../src/stages/drift.ts";

/** Reports as the tasks about a copy write them. */

const shared = {
  schemaVersion: 1 as const,
  environment: { name: "staging", access: "test-data" as const },
  runId: "1764500000000_2b7c9d1e",
  gateId: "github-19622481730",
  commit: { sha: "4b7e1d90c2f6a8e35d17b94c06fe82a1d3957b60" },
  origin: {
    kind: "github" as const,
    repository: "classwaves/classwaves",
    workflow: "Staging",
    workflowRun: "19622481730",
    job: "drift",
  },
  startedAt: "2026-11-30T06:00:00.000Z",
  finishedAt: "2026-11-30T06:00:09.000Z",
  durationMs: 9_000,
  budgetMs: 300_000,
  servers: [],
  commands: [],
  problems: [],
} satisfies Partial<StageReport>;

const differences: Difference[] = [
  { facet: "tables", object: "sessions.session_feedback", how: "missing", original: "table" },
  { facet: "columns", object: "users.teachers.nickname", how: "additional", copy: "string" },
  { facet: "types", object: "sessions.classroom_sessions.duration_minutes", how: "different", original: "bigint", copy: "int" },
  { facet: "comments", object: "sessions.classroom_sessions", how: "different", original: "One lesson", copy: "" },
  {
    facet: "properties",
    object: "sessions.classroom_sessions",
    item: "delta.enableChangeDataFeed",
    how: "missing",
    original: "true",
  },
  {
    facet: "constraints",
    object: "users.teachers",
    item: "teachers_pk",
    how: "different",
    original: "PRIMARY KEY (id)",
    copy: "PRIMARY KEY (email)",
  },
];

const compared = {
  schemas: 5,
  tables: 48,
  views: 3,
  columns: 372,
  types: 371,
  nullability: 371,
  defaults: 14,
  generated: 2,
  comments: 120,
  constraints: 61,
  properties: 55,
  clustering: 4,
  grants: 0,
  policies: 9,
};

export const drift: Drift = {
  original: "classwaves",
  copy: "classwaves_staging",
  facets: Object.fromEntries(
    facets.map((facet): [string, FacetDrift] => {
      const own = differences.filter((one) => one.facet === facet);
      const unseen =
        facet === "views"
          ? [
              {
                side: "original" as const,
                within: "analytics.daily_activity",
                why: "the text of view analytics.daily_activity is only shown to its owner",
              },
            ]
          : facet === "grants"
            ? [
                {
                  side: "original" as const,
                  within: "",
                  why: "staging-keeper@school.example neither owns the catalog nor has MANAGE on it, so grants to others may be hidden",
                  ignored: "Production is not ours to grant",
                },
              ]
            : [];
      const counting = unseen.some((place) => !("ignored" in place));
      return [
        facet,
        {
          verdict: own.length > 0 ? "different" : counting ? "unseen" : "equal",
          differences: own,
          unseen,
          ignored:
            facet === "clustering"
              ? [{ facet, object: "sessions.events", how: "missing", original: "day", reason: "The copy is small" }]
              : [],
          compared: compared[facet],
        },
      ];
    }),
  ) as Drift["facets"],
  place: { file: ".github/env-actions.yml", line: 41 },
  unusedRules: [],
};

const read: Check = {
  id: "drift.read",
  title: "Both structures",
  verdict: "passed",
  observed:
    "classwaves: 5 schemas, 51 tables and views, 372 columns; classwaves_staging: 5 schemas, 50 tables and views, 366 columns",
  durationMs: 8_100,
};

export function driftReport(): StageReport {
  return structuredClone({
    ...shared,
    stage: "drift",
    verdict: "failed",
    reason: "Tables: 1 of 48 differ, and 5 more checks failed.",
    checks: [read, ...facetChecks(drift, "error")],
    staging: { drift },
  } satisfies StageReport);
}

export function syncReport(): StageReport {
  return structuredClone({
    ...shared,
    stage: "sync",
    verdict: "failed",
    reason: "Structure of the copy: the plan loses something, and its digest was not given.",
    checks: [
      {
        id: "sync",
        title: "Structure of the copy",
        verdict: "failed",
        observed: "4 statements, 1 of which loses something",
        expected: "nothing lost, or the digest of the plan",
        message: "Nothing was changed. Read the plan, and carry it out with the digest.",
        durationMs: 9_200,
      },
    ],
    staging: {
      sync: {
        digest: "9f2c41d7be60a35f8e9b1c7d2a4f60835e71c9d2b8f4a6e0c3d5178296ab4ef0",
        withheld: "digest needed",
        steps: [
          {
            object: "sessions.session_feedback",
            facet: "tables",
            statement:
              "CREATE TABLE `classwaves_staging`.`sessions`.`session_feedback` (`id` STRING NOT NULL, `session_id` STRING, `rating` INT COMMENT '1 to 5') USING DELTA",
            outcome: "planned",
          },
          {
            object: "sessions.classroom_sessions.duration_minutes",
            facet: "types",
            statement:
              "ALTER TABLE `classwaves_staging`.`sessions`.`classroom_sessions` ALTER COLUMN `duration_minutes` TYPE BIGINT",
            outcome: "planned",
          },
          {
            object: "sessions.classroom_sessions",
            facet: "comments",
            statement: "COMMENT ON TABLE `classwaves_staging`.`sessions`.`classroom_sessions` IS 'One lesson'",
            outcome: "planned",
          },
          {
            object: "users.teachers.nickname",
            facet: "columns",
            statement: "ALTER TABLE `classwaves_staging`.`users`.`teachers` DROP COLUMN `nickname`",
            loses: "values",
            outcome: "planned",
          },
        ],
        impossible: [
          {
            object: "users.pupils.number",
            facet: "types",
            why: "string cannot become int",
            instead: "recreate the table (staging.sync.recreate)",
          },
        ],
      },
      drift,
    },
  } satisfies StageReport);
}

export function refreshReport(): StageReport {
  return structuredClone({
    ...shared,
    stage: "refresh",
    verdict: "passed",
    reason: "1 check passed",
    checks: [
      {
        id: "refresh",
        title: "Sanitised data",
        verdict: "passed",
        observed: "46 tables, 1,204,310 rows, 0 production values found",
        durationMs: 412_000,
      },
    ],
    staging: {
      refresh: {
        id: "1764500000000_2b7c9d1e",
        startedAt: "2026-11-30T06:00:00.000Z",
        policies: "5d1fc0a39be7426188e0a1c2",
        tables: [
          { table: "sessions.classroom_sessions", state: "switched", version: 481, rows: 18_220 },
          { table: "sessions.transcripts", state: "omitted" },
          { table: "users.teachers", state: "switched", version: 77, rows: 640 },
        ],
        leaks: 0,
        chance: 2,
        k: 5,
        suppressedRows: 12,
        orphans: 0,
        leftOut: 3,
        keepUntil: "2026-12-30T06:00:00.000Z",
        switched: true,
      },
    },
  } satisfies StageReport);
}
