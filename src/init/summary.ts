import type { Open } from "./plan.ts";
import { hasSharedData, type Project, passedVariables } from "./project.ts";
import { hasProduction, stagesOf } from "./workflows.ts";

/** What `init` says on the terminal, one line each. */

/** What it found, so that somebody sees at once what it misunderstood. */
export function foundLines(project: Project): string[] {
  const { toolchains, node, integration, browser, tasks, servers, databricks, redis, services, signs, preset, tables, folder } =
    project;
  const manager = node ? ` with ${node.manager.name}` : "";
  const languages = toolchains.map(({ language }) => `${language}${language === "Node" ? manager : ""}`).join(", ");
  const stores = [
    ...(databricks ? [`Databricks (${databricks.from})`] : []),
    ...(redis ? [`Redis (${redis.from})`] : []),
    ...services.filter(({ kind }) => kind !== "redis").map(({ image, from }) => `${image} (${from})`),
  ];
  const count = Object.keys(tables?.proposal.tables ?? {}).length;
  return [
    ...(folder === "" ? [] : [`folder        ${folder}`]),
    `language      ${languages || "none that init knows"}`,
    `preset        ${preset === "classwaves" ? `classwaves: ${signs.join(", ")}` : "none"}`,
    `tests         ${integration ? `${integration.command} (${integration.from})` : "none"}`,
    `browser tests ${browser ? `${browser.command} (${browser.from})` : "none"}`,
    `servers       ${servers.length === 0 ? "none" : servers.map(({ command, port }) => `${command}${port === undefined ? "" : `, port ${port}`}`).join("; ")}`,
    ...(tasks.length === 0 ? [] : [`before them   ${tasks.map(({ command }) => command).join("; ")}`]),
    `services      ${stores.length === 0 ? "none" : stores.join(", ")}`,
    ...(count > 0 ? [`tables        ${count} in ${tables?.from}`] : []),
  ];
}

/** Exactly three: what a person does next, in this order. */
export function nextSteps(project: Project, { configFile, open }: { configFile: string; open: readonly Open[] }): string[] {
  const { environment } = project;
  const passed = passedVariables(project);
  const names = (kind: "secrets" | "vars") => passed.flatMap(({ name, from }) => (from === kind ? [name] : []));
  const [secrets, variables] = [names("secrets"), names("vars")];
  const command = `${cli(project)} gate --environment ${environment}${configFile === defaultFile ? "" : ` --config ${configFile}`}`;
  const stored = [
    ...(secrets.length > 0 ? [`the secret${secrets.length > 1 ? "s" : ""} ${secrets.join(", ")}`] : []),
    ...(variables.length > 0 ? [`the variable${variables.length > 1 ? "s" : ""} ${variables.join(", ")}`] : []),
  ].join(" and ");
  const set = passed.length === 0 ? "Run" : `Set ${passed.map(({ name }) => name).join(", ")}, and run`;
  const check = project.folder === "" ? "gate" : `gate (${project.folder})`;
  return [
    open.length > 0
      ? `Answer the ${open.length === 1 ? "question" : `${open.length} questions`} above: each is a TODO in ${[...new Set(open.map(({ path }) => path))].join(", ")}`
      : `Read ${configFile}: its gate has ${[...stagesOf(project), ...(hasProduction(project) ? ["smoke"] : [])].join(", ")}`,
    `${set}: ${command}${hasSharedData(project) ? `. To see first what counts as test data: ${cli(project)} plan --scope all --environment ${environment}` : ""}`,
    `${stored === "" ? "" : `On GitHub, create the environment ${environment} with ${stored}. `}Commit the files, and require the job "${check}" in the rules of your branch`,
  ];
}

const defaultFile = ".github/env-actions.yml";

/** Plain npx would fetch whatever package has this name on npm. */
function cli({ node, pin }: Project): string {
  const installed = Object.keys(node?.dependencies ?? {}).some((name) => /^(?:@classwaves\/)?env-actions$/.test(name));
  if (installed && node)
    return node.manager.name === "npm" ? "npx --no-install env-actions" : `${prefixOf(node.manager.name)} env-actions`;
  return `npx --yes --package=github:classwaves/env-actions#${pin.ref} env-actions`;
}

function prefixOf(manager: string): string {
  return { pnpm: "pnpm exec", yarn: "yarn", bun: "bunx --no-install" }[manager] ?? "npx --no-install";
}
