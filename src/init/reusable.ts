import { passedSecrets, passedVars } from "../lib/passed-variables.ts";
import { type Project, passedVariables } from "./project.ts";
import { scalar } from "./yaml.ts";

/** The gate as a call of the reusable workflow, for projects that need nothing of their own between its steps. */

/** The job that calls it. The required check is named after this job and the workflow's own `gate`. */
const callingJob = "quality";

/**
 * Services, other languages, other package managers than the runner has, and variables with names of the project's own take steps or
 * keys that a called workflow can't be given.
 */
export function fitsReusable(project: Project): boolean {
  const { services, toolchains, node, browser } = project;
  const others = toolchains.filter(({ language }) => language !== "Node");
  const isKnown = passedVariables(project).every(
    ({ name, from }) =>
      (from === "secrets" && passedSecrets.some((one) => one === name)) ||
      (from === "vars" && passedVars.some((one) => one === name)),
  );
  const manager = node?.manager.name ?? "npm";
  return (
    !project.isStandalone &&
    // The jobs of the workflow have no id-token: write.
    project.configured?.idToken !== true &&
    services.length === 0 &&
    others.length === 0 &&
    (manager === "npm" || manager === "yarn") &&
    // npx runs the project's own Playwright only where npm's layout is.
    (browser?.tool !== "playwright" || manager === "npm") &&
    isKnown
  );
}

/** The name of the check that a branch rule requires. */
export function requiredCheck(project: Project): string {
  const { folder } = project;
  const own = fitsReusable(project) ? callingJob : "gate";
  const name = folder === "" ? own : `${own} (${folder})`;
  return fitsReusable(project) ? `${name} / gate` : name;
}

/**
 * The job that takes the place of all others.
 * @param uses the workflow at its commit, and what stands beside it
 */
export function callOf(project: Project, uses: string, places: readonly string[]): string[] {
  const { environment, folder, integration, browser, runsOn } = project;
  const passed = passedVariables(project);
  const secrets = passed.filter(({ from }) => from === "secrets");
  const stored = passed.some(({ from }) => typeof from === "string");
  const name = folder === "" ? callingJob : `${callingJob} (${folder})`;
  return [
    `  # Require the check "${requiredCheck(project)}", and no other.`,
    `  ${callingJob}:`,
    `    name: ${scalar(name)}`,
    `    uses: ${uses}`,
    "    permissions:",
    "      contents: read",
    "      pull-requests: write # for the comment",
    "    with:",
    ...places.map((line) => line.replace(/^ {4}/, "      ")),
    `      environment: ${environment}`,
    ...(stored
      ? [`      github-environment: ${environment} # with the ${kinds(secrets.length, passed.length)} that the stages need`]
      : []),
    ...(integration ? [] : ["      integration: false"]),
    ...(browser ? [] : ["      e2e: false"]),
    ...(runsOn === "ubuntu-latest" ? [] : [`      runner: ${scalar(runsOn)}`]),
    ...nodeLines(project),
    ...(secrets.length === 0 ? [] : ["    secrets:", ...secrets.map(({ name }) => `      ${name}: \${{ secrets.${name} }}`)]),
  ];
}

function kinds(secrets: number, all: number): string {
  return [...(secrets > 0 ? ["secrets"] : []), ...(all > secrets ? ["variables"] : [])].join(" and ");
}

/** As the jobs of a written workflow set Node up. */
function nodeLines({ node, toolchains, servers, browser, folder }: Project): string[] {
  if (!node) return [];
  const setUp = toolchains.flatMap(({ steps }) => steps).find(({ uses }) => uses?.startsWith("actions/setup-node@"));
  const builds = [...new Set(servers.flatMap(({ build }) => build ?? []))];
  const { install, lockFile } = node.manager;
  const at = lockFile === undefined ? folder : lockFile.split("/").slice(0, -1).join("/");
  return [
    ...Object.entries(setUp?.with ?? {}).map(([key, value]) => `      ${key}: ${scalar(value)}`),
    `      install-command: ${scalar(at === "" ? install : `cd ${at} && ${install}`)}`,
    ...(builds.length === 0 ? [] : [`      setup-command: ${scalar(builds.join(" && "))}`]),
    ...(browser?.tool === "playwright" ? ["      playwright: true"] : []),
  ];
}
