import type { Rule } from "./rule.ts";
import * as concurrency from "./rules/concurrency.ts";
import * as credentials from "./rules/credentials.ts";
import * as environment from "./rules/environment.ts";
import * as inputs from "./rules/inputs.ts";
import * as matrix from "./rules/matrix.ts";
import * as order from "./rules/order.ts";
import * as runners from "./rules/runners.ts";
import * as steps from "./rules/steps.ts";
import * as tests from "./rules/tests.ts";
import * as triggers from "./rules/triggers.ts";
import * as values from "./rules/values.ts";
import * as words from "./rules/words.ts";

export interface RuleArea {
  /** The heading in docs/reference/doctor.md, which is generated from here. */
  title: string;
  rules: readonly Rule[];
}

/** All rules by purpose, sorted by code. Add a line here for each new one. */
export const ruleAreas: readonly RuleArea[] = [
  {
    title: "Files and inputs",
    rules: [
      inputs.faultyConfiguration,
      inputs.unreadableWorkflow,
      inputs.unknownEnvironment,
      inputs.noCommand,
      inputs.missingVariables,
      inputs.leftOutStage,
      inputs.unknownInput,
      inputs.openQuestion,
      inputs.unmentionedStage,
      values.readOnlyEnvironment,
      values.wrongValue,
      words.unknownWord,
      words.strangeWord,
    ],
  },
  {
    title: "When the gate runs",
    rules: [
      triggers.mergeGroup,
      triggers.pathFilters,
      triggers.branchFilters,
      triggers.eventTypes,
      triggers.foreignHead,
      triggers.anyStatus,
      triggers.deploymentLoop,
      triggers.noSweep,
    ],
  },
  {
    title: "In which order",
    rules: [
      order.noLastJob,
      order.stageNotNeeded,
      order.resultsNotRead,
      order.wrongOrder,
      order.textCondition,
      order.failureIgnored,
      order.failFast,
      order.impossibleGate,
      order.skippedStage,
      concurrency.cancelInProgress,
      concurrency.collidingGroup,
      concurrency.cellsShareGroup,
      concurrency.groupBetweenStages,
      order.unknownNeed,
      order.sameCheck,
      matrix.wrongShards,
    ],
  },
  {
    title: "Credentials",
    rules: [
      credentials.secretsAbove,
      credentials.secretInScript,
      credentials.foreignTextInScript,
      credentials.keptToken,
      credentials.unpinned,
      credentials.noIdToken,
      credentials.noDeploymentsRead,
      credentials.noContentsRead,
      credentials.widePermissions,
      credentials.inheritedSecrets,
      credentials.callerPermissions,
      credentials.secretsOfInstall,
      credentials.noCommentWrite,
      credentials.noStatusWrite,
    ],
  },
  {
    title: "Steps around a stage",
    rules: [
      steps.hiddenUpload,
      steps.wholeFolderUpload,
      steps.cachedRecords,
      steps.cachedBefore,
      steps.lateCheckout,
      steps.noCheckout,
      steps.noPackages,
      steps.noBrowsers,
      steps.folderOfRun,
      steps.checkedOutElsewhere,
      steps.noStage,
      steps.noLockFile,
    ],
  },
  {
    title: "Runners and time",
    rules: [
      runners.ownRunner,
      runners.notPortable,
      runners.notForAct,
      runners.evidenceBetweenJobs,
      runners.shortTimeout,
      runners.oldNode,
      runners.otherNode,
    ],
  },
  {
    title: "Tests and their reports",
    rules: [tests.unwrittenReports, tests.noReports, tests.unusedPrefixes, tests.unknownScript, tests.unknownProjects],
  },
  { title: "The environment", rules: [environment.undeclaredTables, environment.clocksApart] },
];
