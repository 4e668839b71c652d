import { dirname, join, relative } from "node:path";
import { posix } from "./files.ts";
import type { Project } from "./project.ts";
import { type Tool, tools } from "./test-tools.ts";

/** Where a command's test tool says that it writes its reports. */

/** An output that only the tool itself could compute. */
const computedOutput =
  /\b(?:outputFile|outputDirectory|outputDir|outputName)\b\s*[:=]\s*(?!\s*["'`{])\S|\b(?:outputFile|outputDirectory)\b[^,\n}]{0,300}(?:\$\{|process\.env|join\(|resolve\()/;
/** Settings that come from elsewhere: another file, a package, or a variable. */
const borrowed =
  /\.\.\.(?!devices\b)|\bmergeConfig\b|\b(?:require|import)\(\s*["'`]\.|\bfrom\s+["'`]\.|\bextends\b|\breporters?\s*:\s*process\.env\.\w+\s*(?:\|\||\?\?)|["'`]?preset["'`]?\s*:\s*["'`](?!ts-jest|jest-expo|react-native)|\bxmlpath\b|\bpytest_plugins\b/;
const reportName = /\.(?:xml|json|jsonl|ndjson|trx|tap|txt)$/;
const literal = /["'`]([^"'`\n]{1,300})["'`]/g;
const word = /[^\s"'`=;|&<>()]+/g;

export interface Written {
  tool: Tool;
  /** Paths that it writes to, relative to the folder in which the command runs. */
  paths: string[];
  /** Whether it writes any report, as far as one can see. */
  writesAny: boolean;
  /** Why the tool ends before it runs a test. */
  refuses: string | undefined;
  /** What lets it write a file. */
  advice: (path: string) => string;
  /** Why nobody can be sure, without a run, that these are all. */
  unsure: string | undefined;
}

/**
 * @param commands a command and the scripts that it calls
 * @param variables the environment of the command, as `NAME=value`
 * @returns `undefined` for a tool that isn't known
 */
export function reportsOf(
  project: Project,
  folder: string,
  commands: readonly string[],
  variables: readonly string[],
): Written | undefined {
  const text = commands.join("\n");
  const tool = tools.find(({ called }) => called.test(text));
  if (!tool) return undefined;
  const settings = settingsOf(project, folder, tool);
  const command = [text, ...variables].join("\n");
  const called = { text, variables };
  const refuses = tool.refuses?.(called);
  const chosen = chosenReporters(tool, command);
  const isChosen = chosen.length > 0;
  const isSilent = isChosen && chosen.every((reporter) => tool.chosen?.silent.test(reporter));
  // Reporters of the command replace those of the settings.
  const counted = [command, ...(isChosen ? [] : settings.map(({ content }) => content))];
  const notReports = new Set(tool.notReports?.(called).map(normal));
  const writesAny = !isSilent && (isChosen || counted.some((one) => tool.reports.test(one)));
  const redirected = [...text.matchAll(/>\s*([^\s"'`;|&<>()]+)|\btee\s+(?:-a\s+)?([^\s"'`;|&<>()]+)/g)].map(
    ([, file, copy]) => file ?? copy ?? "",
  );
  const named = [
    ...pathsIn(command, word).map(posix),
    ...(tool.usual && counted.some((one) => tool.usual?.reporter.test(one)) ? [tool.usual.path] : []),
    ...settings.flatMap(({ folder: place, name, content }) =>
      pathsIn(content, isCode(name) ? literal : word).map((path) => posix(relative(folder, join(place, path)))),
    ),
  ];
  const isUnsure = !isSilent && settings.some(({ content }) => computedOutput.test(content) || borrowed.test(content));
  return {
    tool,
    refuses,
    advice: (path) => tool.advice(path, called),
    paths:
      refuses !== undefined
        ? []
        : [...redirected, ...(writesAny ? named.filter((path) => !notReports.has(normal(path))) : [])].map(normal),
    writesAny,
    unsure: whyUnsure(text, variables) ?? (isUnsure ? `${tool.name} or the configuration computes where they are` : undefined),
  };
}

function chosenReporters(tool: Tool, command: string): string[] {
  // pnpm has an option of the same name, before the script.
  const own = command.replace(/\bpnpm\s+--reporter[=\s]\S+/g, "pnpm");
  return tool.chosen ? [...own.matchAll(tool.chosen.option)].flatMap(([, names = ""]) => names.split(",")) : [];
}

interface Settings {
  folder: string;
  name: string;
  content: string;
}

function settingsOf(project: Project, folder: string, tool: Tool): Settings[] {
  const settings = [...project.toolSettings]
    .filter(([path]) => tool.settings.test(path.slice(dirname(path).length + 1)))
    .filter(([path]) => !relative(dirname(path), folder).startsWith(".."))
    .map(([path, content]) => ({
      folder: dirname(path),
      name: path,
      content: isCode(path) ? withoutComments(content) : content,
    }));
  const own = tool.keys ? project.packages.get(folder)?.file : undefined;
  if (own) {
    // The dependency alone is no reporter.
    const parts = (tool.keys ?? []).map((key) => [key, own.at([key])]).filter(([, part]) => part !== undefined);
    settings.push({ folder, name: "package.json", content: JSON.stringify(Object.fromEntries(parts), undefined, 1) });
  }
  return settings;
}

/** What a shell or another program may do beside the tool. */
function whyUnsure(text: string, variables: readonly string[]): string | undefined {
  if (/\bdotenv\b|--env-file\b/.test(text)) return "the command reads variables from a file";
  // Settings elsewhere haven't been read.
  if (/--(?:config|c)[=\s]|\s-[cp]\s/.test(text)) return "the command names its own settings";
  if (/(?:^|[\s;&|(])(?:cd|pushd)\s|--(?:prefix|filter|workspace|cwd|dir)\b/.test(text)) return "the command changes the folder";
  if (/\$\{?\w{0,100}\}?[\w/-]{0,200}\.(?:xml|json)/.test(text)) return "the command computes where they are";
  if (variables.some((one) => /^\w{0,50}(?:OPTIONS|OPTS|REPORT|OUTPUT|JUNIT|CTRF)\w{0,50}=.*\$\{/.test(one)))
    return "a variable of the command is computed";
  const other = text.split(/\n|&&|\|\||[;|]/).find((part) => !isUnderstood(part));
  return other === undefined ? undefined : `another command may write them: ${other.trim().slice(0, 60)}`;
}

/** What starts a tool without adding anything of its own. */
const starter =
  /^(?:\.\/)?(?:node_modules\/\.bin\/)?(?:npx|bunx?|pnpm|yarn|npm|node|tsx|python3?|uv|poetry|pipenv|hatch|rye|pdm|coverage|c8|nyc|xvfb-run|timeout|playwright|vitest|jest|_?mocha|cypress|pytest|py\.test|react-scripts)(?=\s|$)/;

/** A package manager's call of a script is followed; these write no report. */
const harmless =
  /^(?:npm|npx\s+playwright\s+install|pnpm|yarn|bun|echo|mkdir|rm|rimraf|true|exit|set|export|sleep|tsc|eslint|biome|prettier|ruff|mypy|tee|cat|test|wait)(?=\s|$)/;

function isUnderstood(part: string): boolean {
  const command = part.trim().replace(/^(?:\w+=\S*\s+|cross-env\s+|env\s+|time\s+)*/, "");
  return (
    command === "" ||
    command.startsWith("#") ||
    harmless.test(command) ||
    (starter.test(command) && tools.some(({ called }) => called.test(command)))
  );
}

function pathsIn(text: string, pattern: RegExp): string[] {
  const found = [...text.matchAll(pattern)].map(([whole, inner]) => inner ?? whole).filter((path) => !path.startsWith("-"));
  const files = found.filter((path) => reportName.test(path));
  // `outputDirectory` of jest-junit: the name is given apart, or left out.
  const places = found.filter((path) => /^[\w./-]+$/.test(path) && !reportName.test(path));
  const names = [...files.filter((path) => !path.includes("/")), "junit.xml"];
  return [...files, ...places.slice(0, 200).flatMap((place) => names.slice(0, 20).map((name) => `${place}/${name}`))];
}

function normal(path: string): string {
  return posix(path).replace(/^\.\//, "");
}

function isCode(path: string): boolean {
  return /\.[cm]?[jt]s$/.test(path);
}

/** Settings in comments don't count. Text in quotes may have `//`, as in addresses. */
function withoutComments(text: string): string {
  return text.replace(
    /("(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\.)*`)|\/\/[^\n]*|\/\*[\s\S]*?\*\//g,
    (_, quoted?: string) => quoted ?? " ",
  );
}
