import type { StageName } from "../model/report.ts";
import { productionVariables } from "./classwaves.ts";
import { pinned } from "./detect/languages.ts";
import { howToPin } from "./install.ts";
import { hasSharedData, type Passed, type Project, passedVariables, referredVariables } from "./project.ts";
import { callOf, fitsReusable } from "./reusable.ts";
import { checkout, prepared, stepLines, type TestedStage } from "./steps.ts";
import { flowList, indented, inFlow, scalar } from "./yaml.ts";

/** A file of `.github/workflows`. */
export interface Written {
  /** Relative to the root. */
  path: string;
  text: string;
}

/** The workflows that fit: the gate always, the others only where there is something for them to do. */
export function workflows(project: Project, configFile: string): Written[] {
  const files: (readonly [string, string[]])[] = [
    ["quality-gate", gate(project, configFile)],
    ...(hasSharedData(project)
      ? ([
          ["nightly-cleanup", nightly(project, configFile)],
          ["cleanup-by-hand", byHand(project, configFile)],
        ] as const)
      : []),
    ...(hasProduction(project) ? ([["smoke", smoke(project, configFile)]] as const) : []),
  ];
  const suffix = project.folder === "" ? "" : `-${project.slug}`;
  return files.map(([name, lines]) => {
    const usual = `.github/workflows/${name}${suffix}.yml`;
    const path = project.others.includes(usual) ? `.github/workflows/env-actions-${name}${suffix}.yml` : usual;
    return { path, text: `${lines.join("\n")}\n` };
  });
}

export function hasProduction({ preset, production, configured }: Project): boolean {
  return configured?.hasProduction ?? (preset === "classwaves" || production !== undefined);
}

const repository = "classwaves/env-actions";

const reusable = ".github/workflows/quality-gate.yml";

/** `uses:` of one of our actions, or of the workflow. */
function ours(what: StageName | "gate" | typeof reusable, { pin }: Project): string {
  const version = pin.version === undefined ? "" : ` # v${pin.version}`;
  return `${repository}/${what}@${pin.ref}${pin.isCommit ? version : " # not a commit: see the top of this file"}`;
}

function heading(project: Project, about: readonly string[]): string[] {
  const { pin } = project;
  return [
    ...about.map((line) => `# ${line}`),
    "# Written by `env-actions init`.",
    ...(pin.isCommit
      ? []
      : [
          "#",
          ...howToPin(project),
          `# git ls-remote https://github.com/${repository} refs/tags/v1.2.3  →  @<full SHA> # v1.2.3`,
        ]),
  ];
}

/** Names are unique in the repository, also among the packages of one. */
function named(name: string, { folder }: Project): string {
  return `name: ${scalar(folder === "" ? name : `${name} (${folder})`)}`;
}

function gate(project: Project, configFile: string): string[] {
  return [
    ...heading(project, ["The quality gate. A stage starts only if the stage before it passed, with or without warnings."]),
    named("Quality gate", project),
    "",
    "on:",
    "  pull_request:",
    "  merge_group:",
    "  workflow_dispatch:",
    "",
    "permissions: {}",
    "",
    "# Runs are not cancelled midway, because each stage deletes its own test data at the end.",
    "concurrency:",
    `  group: quality-gate-${project.folder === "" ? "" : `${project.slug}-`}\${{ github.ref }}`,
    "  cancel-in-progress: false",
    "",
    "jobs:",
    ...(fitsReusable(project)
      ? callOf(project, ours(reusable, project), inputsOf(project, configFile))
      : written(project, configFile)),
  ];
}

/** The jobs, step by step. */
function written(project: Project, configFile: string): string[] {
  const stages = stagesOf(project);
  return [
    ...stages.flatMap((stage, index) => [...stageJob(project, configFile, stage, stages[index - 1]), ""]),
    "  # Make this job the required check, and no other. It passes only if every stage left evidence of this commit that opens it, and every",
    '  # job succeeded: GitHub itself counts a skipped job as success. With comment: "true" it writes a comment; the job then needs',
    "  # pull-requests: write.",
    "  gate:",
    `    ${named("gate", project)}`,
    "    if: always()",
    `    needs: ${flowList(stages)}`,
    `    runs-on: ${scalar(project.runsOn)}`,
    "    timeout-minutes: 5",
    "    permissions:",
    "      contents: read",
    "    steps:",
    ...indented(6, [
      ...checkout(),
      `- uses: ${ours("gate", project)}`,
      "  with:",
      ...inputsOf(project, configFile),
      "    needs: ${{ toJson(needs) }}",
    ]),
  ];
}

export function stagesOf({ integration, browser }: Pick<Project, "integration" | "browser">): TestedStage[] {
  return ["preflight", ...(integration ? (["integration"] as const) : []), ...(browser ? (["e2e"] as const) : [])];
}

/** Longer than the stage's own budget, which ends the stage cleanly first. This limit is for runners that hang. */
const minutes: Record<TestedStage, number> = { preflight: 10, integration: 25, e2e: 45 };

function stageJob(project: Project, configFile: string, stage: TestedStage, needs: TestedStage | undefined): string[] {
  const passed = passedVariables(project);
  return [
    `  ${stage}:`,
    `    ${named(stage, project)}`,
    ...(needs === undefined ? [] : [`    needs: ${needs}`]),
    `    runs-on: ${scalar(project.runsOn)}`,
    `    timeout-minutes: ${minutes[stage]}`,
    ...jobEnvironment(project.environment, passed),
    "    permissions:",
    "      contents: read",
    ...idToken(project),
    ...services(project),
    "    steps:",
    ...indented(6, [
      ...checkout(),
      ...prepared(project, stage).flatMap(stepLines),
      ...actionLines(project, configFile, stage, { environment: project.environment, passed }),
    ]),
  ];
}

/** A GitHub environment is named only where something comes from it. */
function jobEnvironment(name: string, passed: readonly Passed[]): string[] {
  return passed.some(({ from }) => typeof from === "string")
    ? [`    environment: ${scalar(name)} # the GitHub environment with the secrets and variables below`]
    : [];
}

interface ActionOptions {
  environment: string;
  passed: readonly Passed[];
  more?: readonly string[];
  moreVariables?: readonly string[];
}

/** The step of ours: the only one that gets credentials. */
function actionLines(
  project: Project,
  configFile: string,
  stage: StageName,
  { environment, passed, more = [], moreVariables = [] }: ActionOptions,
): string[] {
  const variables = [
    ...moreVariables,
    ...passed.map(({ name, from }) => `${name}: ${typeof from === "string" ? `\${{ ${from}.${name} }}` : scalar(from.value)}`),
  ];
  return [
    `- uses: ${ours(stage, project)}`,
    ...(variables.length === 0
      ? []
      : ["  env: # for this step alone: installing packages gets none of them", ...indented(4, variables)]),
    "  with:",
    ...inputsOf(project, configFile),
    `    environment: ${environment}`,
    ...indented(4, more),
  ];
}

/** Where the configuration is, unless it is where each step looks anyway. */
function inputsOf({ folder }: Project, configFile: string): string[] {
  return [
    ...(folder === "" ? [] : [`    working-directory: ${scalar(folder)}`]),
    ...(configFile === defaultConfiguration ? [] : [`    config: ${scalar(configFile)}`]),
  ];
}

const defaultConfiguration = ".github/env-actions.yml";

function services({ services: all }: Project): string[] {
  if (all.length === 0) return [];
  return [
    "    services:",
    ...all.flatMap(({ name, image, ports, environment, options, from }) => [
      `      ${name}: # as in ${from}`,
      // Only its publisher knows which digest a tag has.
      `        image: ${scalar(image)}${image.includes("@") ? "" : ` # zizmor: ignore[unpinned-images] the tag of ${from}`}`,
      `        ports: [${ports.map((port) => JSON.stringify(port)).join(", ")}]`,
      ...(Object.keys(environment).length === 0
        ? []
        : ["        env:", ...Object.entries(environment).map(([key, value]) => `          ${key}: ${scalar(value)}`)]),
      ...(options === undefined ? [] : [`        options: ${scalar(options)}`]),
    ]),
  ];
}

function cleanupJob(project: Project, group: string, environment: string, steps: readonly string[]): string[] {
  return [
    "permissions: {}",
    "",
    "concurrency:",
    `  group: ${group}`,
    "  cancel-in-progress: false",
    "",
    "jobs:",
    "  cleanup:",
    `    ${named("cleanup", project)}`,
    `    runs-on: ${scalar(project.runsOn)}`,
    "    timeout-minutes: 30",
    `    environment: ${environment}`,
    "    permissions:",
    "      contents: read",
    ...idToken(project),
    "    steps:",
    ...indented(6, [...checkout(), ...steps]),
  ];
}

function idToken({ configured }: Project): string[] {
  return configured?.idToken ? ["      id-token: write # to sign in to Databricks without a stored secret"] : [];
}

function nightly(project: Project, configFile: string): string[] {
  const { environment } = project;
  return [
    ...heading(project, [
      "Every night: the test data that unfinished runs left behind, such as those of a machine that was lost.",
      'It shows what it would delete. When its plans have named nothing but test data for some days, write dry-run: "false".',
    ]),
    named("Nightly cleanup", project),
    "",
    "on:",
    "  schedule:",
    '    - cron: "17 3 * * *" # UTC, on the default branch',
    "",
    ...cleanupJob(
      project,
      `nightly-cleanup-${environment}`,
      `${environment} # without required reviewers: they would have to approve it every night`,
      actionLines(project, configFile, "cleanup", {
        environment,
        passed: referredVariables(project),
        more: ["scope: expired", 'dry-run: "true"'],
      }),
    ),
  ];
}

function byHand(project: Project, configFile: string): string[] {
  const { environment } = project;
  return [
    ...heading(project, [
      'Cleanup by hand: shows or deletes test data. Start it with "execute" unticked, read the plan in the job\'s summary, and start it',
      'again with "execute". Scope all also needs the digest that the plan showed.',
    ]),
    named("Cleanup by hand", project),
    "",
    "on:",
    "  workflow_dispatch: # GitHub shows the button once this file is on the default branch",
    "    inputs:",
    ...indented(6, [
      "environment:",
      "  description: Environment of the configuration, and the GitHub environment of the same name",
      "  type: choice",
      `  options: [${inFlow(environment)}]`,
      `  default: ${inFlow(environment)}`,
      "scope:",
      "  description: run – what one run made; expired – what is older than testData.expireAfter; all – every test row and key",
      "  type: choice",
      "  options: [run, expired, all]",
      "  default: expired",
      "execute:",
      "  description: Delete. Read the plan first",
      "  type: boolean",
      "  default: false",
      "digest:",
      "  description: The digest that the plan showed; required to delete with scope all",
      "  type: string",
      "run-id:",
      "  description: For scope run – the run id of the stage, such as 1763920000000_1a2b3c4d",
      "  type: string",
    ]),
    "",
    ...cleanupJob(
      project,
      "cleanup-by-hand-${{ inputs.environment }}",
      "${{ inputs.environment }} # whoever may write to the repository can start this: require reviewers if that is too many",
      actionLines(project, configFile, "cleanup", {
        environment: "${{ inputs.environment }}",
        passed: referredVariables(project),
        more: ["scope: ${{ inputs.scope }}", "dry-run: ${{ !inputs.execute }}", "plan-digest: ${{ inputs.digest }}"],
        moreVariables: ["ENV_ACTIONS_RUN_ID: ${{ inputs.scope == 'run' && inputs.run-id || '' }}"],
      }),
    ),
  ];
}

/** The history is in the workspace, which a runner forgets. A failed run has something to remember, too. */
function historyCache(project: Project, what: "restore" | "save"): string[] {
  const folder = project.folder === "" ? "" : `${project.folder}/`;
  return [
    `- uses: ${pinned.cache.replace("@", `/${what}@`)}`,
    ...(what === "save" ? ["  if: always() # a failed run has something to remember, too"] : []),
    "  with:",
    `    path: ${scalar(`${folder}.env-actions/history`)}`,
    "    key: env-actions-history-${{ github.run_id }}-${{ github.run_attempt }}",
    ...(what === "restore" ? ["    restore-keys: env-actions-history-"] : []),
  ];
}

function smoke(project: Project, configFile: string): string[] {
  const passed = productionVariables(project);
  return [
    ...heading(project, [
      "Smoke, after a deployment to production.",
      ...(passed.length > 0
        ? [
            "The GitHub environment production-smoke holds read-only credentials. It must not be the one deployed to: that would start this again.",
          ]
        : []),
    ]),
    named("Smoke", project),
    "",
    "on:",
    "  deployment_status:",
    "",
    "permissions: {}",
    "",
    "concurrency:",
    "  group: smoke-${{ github.event.deployment.id }}-${{ github.event.deployment_status.state }}",
    "  cancel-in-progress: false",
    "",
    "jobs:",
    "  smoke:",
    `    ${named("smoke", project)}`,
    "    if: github.event.deployment_status.state == 'success' && github.event.deployment.environment == 'production'",
    `    runs-on: ${scalar(project.runsOn)}`,
    "    timeout-minutes: 10",
    ...(passed.length === 0 ? [] : ["    environment: production-smoke"]),
    "    permissions:",
    "      contents: read",
    "      deployments: read # to ask GitHub whether the deployment succeeded",
    "    steps:",
    ...indented(6, [
      ...checkout(),
      "# What this run compares itself with: latencies of earlier ones, and which alerts were sent.",
      ...historyCache(project, "restore"),
      ...actionLines(project, configFile, "smoke", {
        environment: project.productionName,
        passed,
        more: ["deployment: ${{ github.event.deployment.id }}"],
      }),
      ...historyCache(project, "save"),
    ]),
  ];
}
