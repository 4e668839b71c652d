import type { ErrorEntry } from "./entry.ts";

/** 5xxx: servers and commands. */
export const processErrors = {
  EA5001: {
    title: "A server was not started",
    meaning: "Its port is already in use, or the start was cancelled.",
    fix: "End the process that the message names, or change the port of the server.",
  },
  EA5002: {
    title: "A server ended on its own",
    meaning: "The process ended before it was ready, or while other servers were being started.",
    fix: "Read the last lines of its log. The command must keep running in the foreground.",
  },
  EA5003: {
    title: "A server was not ready in time",
    meaning: "The process runs, but its `ready` condition was not met within the timeout.",
    fix: "Compare the expected and the last seen answer in the message. Correct `ready`, or raise `ready.timeout`.",
  },
  EA5004: {
    title: "A working directory doesn't exist",
    meaning: "The folder in which a server or command should start doesn't exist.",
    fix: "Correct `workingDirectory` or the input `working-directory`, or check out and build the project first.",
  },
  EA5005: {
    title: "The test command is missing",
    meaning: "The stage doesn't know how to run the tests.",
    fix: "Add `stages.<stage>.command`, such as `command: npm run test:e2e`.",
  },
  EA5006: {
    title: "The test command ignores shards",
    meaning:
      "`shards` is above 1, or several jobs share the tests, but the command doesn't use the shard number. Every shard would run all tests.",
    fix: "Add `--shard=$ENV_ACTIONS_SHARD/$ENV_ACTIONS_SHARDS` to the command. On Windows write `%ENV_ACTIONS_SHARD%` and `%ENV_ACTIONS_SHARDS%`.",
  },
  EA5007: {
    title: "The stage is left out",
    meaning:
      "The configuration says `false` in place of the stage's settings: the project doesn't have this stage. Nothing ran, and nothing passed.",
    fix: "Remove the step or job that runs the stage, or write its settings in place of `false`.",
  },
  EA5008: {
    title: "The test command could not be started",
    meaning:
      "The shell found no such program (exit status 127, on Windows 9009), or may not run it (126). An old or missing report follows from that.",
    fix: "Install what the command starts in a step before, such as `npm ci`. Or correct `stages.<stage>.command`.",
  },
  EA5009: {
    title: "A signal ended the test command",
    meaning:
      "The command ended before its tests were complete, so its report is old, missing or cut off. SIGKILL often means that the machine had no memory left.",
    fix: "Read the end of the command's log. Start fewer workers, or use a larger runner.",
  },
  EA5010: {
    title: "The job's part of the tests is unclear",
    meaning: "`ENV_ACTIONS_SHARD` and `ENV_ACTIONS_SHARDS` must say which part of the tests the job has, and of how many.",
    fix: "Set both, such as `${{ matrix.shard }}` from 1 and, if the matrix has no other axis, `${{ strategy.job-total }}`. Or set neither.",
  },
} as const satisfies Record<string, ErrorEntry>;

/** 6xxx: test reports. */
export const testReportErrors = {
  EA6001: {
    title: "No test report is configured",
    meaning: "Without a report it is unknown which tests ran and how they ended.",
    fix: "Add `stages.<stage>.reports`, such as `reports: [reports/*.xml]`.",
  },
  EA6002: {
    title: "The test report is missing",
    meaning:
      "No file matches the configured patterns, or one of them with `all: true`. The tests wrote no report, or wrote it elsewhere.",
    fix: "Run the test command by hand and look where the report is. Correct `reports`, or the reporter of the tests.",
  },
  EA6003: {
    title: "The test report is older than the run",
    meaning: "The file is left over from an earlier run. It says nothing about this one.",
    fix: "Let the tests write the report in every run. If they do, compare the clocks of the machines.",
  },
  EA6004: {
    title: "The test report cannot be read",
    meaning:
      "The file is empty, cut off, damaged, compressed, too large, or a link. Failures that were read before the fault count. Others may be missing, so the stage never passes.",
    fix: "Look at the named place in the file. Often the test process was killed while it wrote the report.",
  },
  EA6005: {
    title: "Unknown format of a test report",
    meaning:
      "The file is not a report of Jest, Vitest, Playwright, CTRF, JUnit, TRX, NUnit, xUnit.net, Robot Framework, TestNG, TAP, go test -json, Dart, Cucumber, Cucumber messages, Mocha, mochawesome or RSpec.",
    fix: "Use one of these reporters. See [reports](../guides/reports.md).",
  },
} as const satisfies Record<string, ErrorEntry>;

/** 7xxx: test data, undo and repair. */
export const testDataErrors = {
  EA7001: {
    title: "The report cannot be read",
    meaning: "`undo` and `repair` need the report of a stage. The file doesn't exist, or cannot be read.",
    fix: "Name the report of the stage that deleted the rows or found the changed ones, such as `.env-actions/reports/integration.json`. A stage's artifact has it, too.",
  },
  EA7002: {
    title: "The file is not a report of a stage",
    meaning: "The file is not JSON, is another kind of file, is damaged, or comes from another version of env-actions.",
    fix: "Name a report under `.env-actions/reports/`. Use the version of env-actions that wrote it.",
  },
  EA7003: {
    title: "Nothing to undo or repair",
    meaning: "The report names no deleted rows, or no real rows that a test changed.",
    fix: "Check that this is the report of the right run. A later cleanup, also a dry run, replaces `reports/cleanup.json`: then name `reports/cleanup-<run id>.json`. The same holds for the other stages.",
  },
  EA7004: {
    title: "The report is about another environment",
    meaning: "The environment on the command line is not the one in the report.",
    fix: "Leave out `--environment`, or name the report of that environment.",
  },
  EA7005: {
    title: "A stage was cut short and its test data was not deleted",
    meaning: "The step was killed, and the post step could not delete its test data. The message has the reason.",
    fix: "Run the command in the message. See [cleanup by hand](../guides/cleanup-by-hand.md).",
  },
} as const satisfies Record<string, ErrorEntry>;
