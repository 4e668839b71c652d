import { join } from "node:path";
import { namesShard } from "../config/suite-schema.ts";
import { UserError } from "../model/user-error.ts";
import type { TestRules } from "../test-reports/judge/judge.ts";
import type { TestLists } from "../test-reports/judge/test-lists.ts";
import type { StageContext } from "./context.ts";

/** What is run, what it writes, and what must be true of it. */
export interface Suite {
  command: string;
  /** Absolute. */
  cwd: string;
  /** Globs, relative to `cwd`. */
  reports: string[];
  /** Globs of what failed tests leave behind, relative to `cwd`. */
  attachments: string[];
  rules: TestRules;
  marks: TestLists;
  environment: Record<string, string>;
  /** How many times the command runs at once, each time for a part of the tests. */
  shards: number;
}

/** @throws UserError before anything is started. */
export function suiteOf(context: StageContext): Suite {
  const { stage, environment, overrides, workspace, config } = context;
  const settings = config.stages[stage === "e2e" ? "e2e" : "integration"];
  const command = overrides.command ?? settings.command;
  const reports = overrides.reports ?? settings.reports;
  const browsers = stage === "e2e" ? config.stages.e2e : undefined;
  const shards = browsers?.shards ?? 1;
  if (environment.access !== "test-data")
    throw new UserError(`environment ${environment.name} is read-only: tests that create data must not run there`);
  if (command === undefined)
    throw new UserError(`stages.${stage}.command is missing: say how the tests are run, such as command: npm run test:${stage}`);
  if (reports.length === 0)
    throw new UserError(
      `stages.${stage}.reports is missing: without a report nobody knows what ran, such as reports: [reports/*.xml]`,
    );
  if (shards > 1 && !namesShard(command))
    throw new UserError(
      `every one of the ${shards} shards would run all the tests: add --shard=$ENV_ACTIONS_SHARD/$ENV_ACTIONS_SHARDS to the command`,
    );
  const { flaky, testTime, commandTime, critical, quarantine } = settings;
  return {
    command,
    cwd: join(workspace, settings.workingDirectory),
    reports,
    attachments: browsers?.attachments ?? [],
    rules: {
      ...{ passRate: overrides.passRate ?? settings.passRate, flaky, testTime, commandTime, shards },
      ...(browsers ? { requiredProjects: browsers.requiredProjects, requiredBrowsers: browsers.browsers } : {}),
    },
    marks: { critical, quarantine },
    environment: settings.environment,
    shards,
  };
}
