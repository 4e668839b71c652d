import { commandLine } from "./install.ts";
import type { Open } from "./plan.ts";
import { hasSharedData, type Project, passedVariables } from "./project.ts";
import { requiredCheck } from "./reusable.ts";
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

interface Written {
  /** As the commands name it, from the folder that is set up. */
  configFile: string;
  /** As a person finds it from here. */
  shownFile: string;
  /** The folder that is set up, from here; empty for this one. */
  folder: string;
  open: readonly Open[];
}

/** At most three: what a person does next, in this order. */
export function nextSteps(project: Project, { configFile, shownFile, folder, open }: Written): string[] {
  const { environment } = project;
  const passed = passedVariables(project);
  const names = (kind: "secrets" | "vars") => passed.flatMap(({ name, from }) => (from === kind ? [name] : []));
  const [secrets, variables] = [names("secrets"), names("vars")];
  const run = (command: string) => {
    const line = `${commandLine(project)} ${command}${configFile === defaultFile ? "" : ` --config ${configFile}`}`;
    return folder === "" ? line : `(cd ${folder} && ${line})`;
  };
  const stored = [
    ...(secrets.length > 0 ? [`the secret${secrets.length > 1 ? "s" : ""} ${secrets.join(", ")}`] : []),
    ...(variables.length > 0 ? [`the variable${variables.length > 1 ? "s" : ""} ${variables.join(", ")}`] : []),
  ].join(" and ");
  const set = passed.length === 0 ? "Run" : `Set ${passed.map(({ name }) => name).join(", ")}, and run`;
  const check = requiredCheck(project);
  const first =
    open.length > 0
      ? `Answer the ${open.length === 1 ? "question" : `${open.length} questions`} above: each is a TODO in ${[...new Set(open.map(({ path }) => path))].join(", ")}`
      : `Read ${shownFile}: its gate has ${[...stagesOf(project), ...(hasProduction(project) ? ["smoke"] : [])].join(", ")}`;
  return [
    `${first}. Then let the doctor look for mistakes: ${run("doctor")}`,
    `${set}: ${run(`gate --environment ${environment}`)}${hasSharedData(project) ? `. To see first what counts as test data: ${run(`plan --scope all --environment ${environment}`)}` : ""}`,
    `${stored === "" ? "" : `On GitHub, create the environment ${environment} with ${stored}. `}Commit the files, and require the job "${check}" in the rules of your branch`,
  ];
}

const defaultFile = ".github/env-actions.yml";
