import { filesOfFolder, inFolder, type Repository } from "../repository.ts";
import { type NodeProject, runBin, runScript } from "./node.ts";
import { addedReport, cypressReport, playwrightReport, reportOf, type UnitRunner } from "./reporters.ts";

/** A test command, and the reports that it writes. */
export interface Suite {
  command: string;
  reports: string[];
  /** What the command was made of, for a comment: `script "test": vitest run`. */
  from: string;
  environment?: Record<string, string>;
  requiredProjects?: string[];
  /** What a person has to decide. */
  question?: string;
}

export interface BrowserSuite extends Suite {
  tool: "playwright" | "cypress";
  /** Playwright starts the application itself, and refuses a port that is taken. */
  startsServers: boolean;
  /** The address that the tool waits for before its tests, if it says so. */
  address?: string;
}

/** Names of scripts, the best first. */
const integrationScripts = [
  "test:integration",
  "integration",
  "test:int",
  "integration-test",
  "test:api",
  "test",
  "test:ci",
  "test:unit",
];
const browserScripts = [
  "test:e2e",
  "e2e",
  "test:playwright",
  "test:browser",
  "e2e:ci",
  "playwright",
  "test:cypress",
  "cypress:run",
  "test",
];

export const reportQuestion =
  "which test report does this command write, and where? JUnit, Jest's JSON, CTRF and others are read";

type Runner = UnitRunner | "playwright" | "cypress";

const runners: readonly (readonly [Runner, RegExp])[] = [
  ["playwright", /\bplaywright\s+test\b/],
  ["cypress", /\bcypress\s+run\b/],
  ["vitest", /(?:^|[\s/])vitest\b/],
  ["jest", /(?:^|[\s/])jest(?:\.js)?(?=\s|$)|\breact-scripts\s+test\b/],
  ["mocha", /(?:^|[\s/])_?mocha(?=\s|$)/],
  ["bun", /\bbun\s+test\b/],
  ["node", /\bnode\b.*\s--test(?=\s|$)/],
];

const isBrowser = (runner: Runner): runner is "playwright" | "cypress" => runner === "playwright" || runner === "cypress";

interface Script {
  name: string;
  text: string;
  runner: Runner | undefined;
}

export function detectIntegration(repository: Repository, node: NodeProject | undefined): Suite | undefined {
  if (!node) return undefined;
  const found = integrationScripts
    .flatMap((name) => scriptOf(node, name) ?? [])
    .find(({ runner }) => !runner || !isBrowser(runner));
  if (found) return suiteOfScript(node, found);
  const runner = (["vitest", "jest", "mocha"] as const).find((name) => Object.hasOwn(node.dependencies, name));
  if (!runner || !hasTests(repository)) return undefined;
  const { options, reports } = addedReport(runner);
  return {
    reports,
    command: runBin(node.manager, [runner, ...(runner === "vitest" ? ["run"] : []), ...options].join(" ")),
    from: `the dependency ${runner}`,
  };
}

/** The script that `npm init` writes runs no tests. */
function scriptOf({ scripts }: NodeProject, name: string): Script | undefined {
  const text = Object.hasOwn(scripts, name) ? scripts[name] : undefined;
  if (text === undefined || /no test specified/.test(text)) return undefined;
  const other = /^(?:npm|pnpm|yarn|bun)\s+(?:run\s+)?([\w:-]+)$/.exec(text.trim())?.[1];
  const behind = other !== undefined && Object.hasOwn(scripts, other) ? scripts[other] : undefined;
  if (behind !== undefined && other !== undefined) return { name: other, text: behind, runner: runnerOf(behind) };
  return { name, text, runner: runnerOf(text) };
}

/** Of several commands in a row, arguments go to the last one. */
function lastCommand(text: string): string {
  return text.split(/&&|;/).at(-1)?.trim() ?? "";
}

function runnerOf(text: string): Runner | undefined {
  return runners.find(([, words]) => words.test(lastCommand(text)))?.[0];
}

function suiteOfScript({ manager }: NodeProject, { name, text, runner }: Script): Suite {
  const from = `the script "${name}": ${text}`;
  const takesMore = runner !== undefined && !/\|/.test(text) && !/\s--(?:\s|$)/.test(text);
  if (runner === undefined || isBrowser(runner) || !takesMore)
    return {
      command: runScript(manager, name),
      reports: ["reports/*.xml"],
      from,
      question: reportQuestion,
    };
  const report = reportOf(runner, text);
  if (report === undefined)
    return { command: runScript(manager, name), reports: ["reports/*.xml"], from, question: reportQuestion };
  const { options, reports, environment } = report;
  const first = [
    // react-scripts watches files unless CI is set.
    ...(/\breact-scripts\s+test\b/.test(text) ? ["--watchAll=false"] : []),
    ...(runner === "vitest" && !/\bvitest\s+(?:run|--run)\b|\s--run\b/.test(text) ? ["--run"] : []),
  ];
  const command = runScript(manager, name, [...first, ...options].join(" "));
  return { command, reports, from, ...(environment === undefined ? {} : { environment }) };
}

function hasTests(repository: Repository): boolean {
  return filesOfFolder(repository).some((file) => /(?:^|\/)(?:__tests__|tests?)\/|\.(?:test|spec)\.[cm]?[jt]sx?$/.test(file));
}

export function detectBrowserTests(repository: Repository, node: NodeProject | undefined): BrowserSuite | undefined {
  if (!node) return undefined;
  const files = filesOfFolder(repository);
  const configuration = (tool: string) =>
    files.filter((file) => new RegExp(`(?:^|/)${tool}\\.config\\.[cm]?[jt]s$`).test(file)).sort((a, b) => a.length - b.length)[0];
  const playwright = configuration("playwright");
  const scripts = browserScripts.flatMap((name) => scriptOf(node, name) ?? []);
  const script = scripts.find(({ runner }) => runner === "playwright");
  if (playwright !== undefined || script)
    return playwrightSuite(node, script, playwright, repository.read(inFolder(repository, playwright ?? "")) ?? "");
  if (configuration("cypress") === undefined) return undefined;
  const cypress = scripts.find(({ runner }) => runner === "cypress");
  const { options, reports } = cypressReport(cypress?.text ?? "");
  return {
    tool: "cypress",
    startsServers: false,
    command: cypress
      ? runScript(node.manager, cypress.name, options.join(" "))
      : runBin(node.manager, ["cypress run", ...options].join(" ")),
    reports,
    from: cypress ? `the script "${cypress.name}": ${cypress.text}` : "cypress.config",
  };
}

function playwrightSuite(
  node: NodeProject,
  script: Script | undefined,
  file: string | undefined,
  configuration: string,
): BrowserSuite {
  const text = withoutComments(configuration);
  const folder = file?.includes("/") ? `${file.slice(0, file.lastIndexOf("/"))}/` : "";
  const configured = /\[\s*["'](?:json|junit)["']\s*,\s*\{[^}]*?outputFile\s*:\s*["']([^"'$]+)["']/.exec(text)?.[1];
  const { options, report, environment } = playwrightReport(script?.text ?? "", configured && normal(`${folder}${configured}`));
  const at = folder === "" || file === undefined ? "" : ` --config ${file}`;
  const names = /\bprojects\s*:\s*\[([\s\S]*)/.exec(text)?.[1] ?? "";
  const projects = [...names.matchAll(/\bname\s*:\s*["']([^"'$]+)["']/g)].map(([, name = ""]) => name);
  const server = /\bwebServer\s*:/.test(text);
  const address = server ? webServerAddress(text) : undefined;
  return {
    tool: "playwright",
    startsServers: server,
    ...(address === undefined ? {} : { address }),
    command: script
      ? runScript(node.manager, script.name, options.join(" "))
      : runBin(node.manager, ["playwright test", at.trim(), ...options].filter(Boolean).join(" ")),
    reports: [report ?? `${folder}reports/e2e.json`],
    from: script ? `the script "${script.name}": ${script.text}` : (file ?? "playwright.config"),
    ...(environment === undefined ? {} : { environment }),
    ...(projects.length > 0 ? { requiredProjects: [...new Set(projects)] } : {}),
  };
}

function webServerAddress(text: string): string | undefined {
  const part = /\bwebServer\s*:([\s\S]{0,600})/.exec(text)?.[1] ?? "";
  const url = /\burl\s*:\s*["'`](https?:\/\/[^"'`$]+)["'`]/.exec(part)?.[1];
  const port = /\bport\s*:\s*(\d{2,5})/.exec(part)?.[1];
  return url ?? (port === undefined ? undefined : `http://localhost:${port}`);
}

function normal(path: string): string {
  const parts: string[] = [];
  for (const part of path.split("/")) {
    if (part === ".." && parts.length > 0) parts.pop();
    else if (part !== "." && part !== "") parts.push(part);
  }
  return parts.join("/");
}

/** Roughly: a URL in a string keeps its slashes. */
export function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/(^|[\s,;{}()[\]])\/\/[^\n]*/g, "$1");
}
