import { dirname, join, relative } from "node:path";
import { posix } from "./files.ts";
import type { Project } from "./project.ts";

/** Where test tools say that they write their reports. */

export interface Tool {
  name: string;
  /** In a command. */
  called: RegExp;
  /** Files with its settings. */
  settings: RegExp;
  /** In a command or in settings: that it writes a report at all. */
  reports: RegExp;
  /** Where a reporter writes to if nobody says it. */
  usual?: { reporter: RegExp; path: string };
}

/** The first that a command calls counts, so wrappers come last. */
export const tools: readonly Tool[] = [
  {
    name: "Playwright",
    called: /\bplaywright\b[^\n]{0,300}\btest\b/,
    settings: /^playwright[\w.-]*\.[cm]?[jt]s$/,
    reports:
      /--reporter[=\s]+\S{0,100}(?:json|junit)|["'`](?:json|junit|[\w@/.-]{0,100}ctrf[\w-]{0,100})["'`]|PLAYWRIGHT_(?:JSON|JUNIT)_OUTPUT/,
  },
  {
    name: "Vitest",
    called: /\bvitest\b/,
    settings: /^(?:vitest|vite)[\w.-]*\.[cm]?[jt]s$/,
    reports: /--reporter[=\s]+\S{0,100}(?:json|junit)|["'`](?:json|junit|[\w@/.-]{0,100}ctrf[\w-]{0,100})["'`]/,
  },
  {
    name: "Jest",
    called: /\bjest\b/,
    settings: /^(?:jest[\w.-]*\.(?:[cm]?[jt]s|json)|package\.json)$/,
    reports: /--outputFile\b|jest-junit|ctrf/,
    usual: { reporter: /jest-junit/, path: "junit.xml" },
  },
  {
    name: "Mocha",
    called: /\bmocha\b/,
    settings: /^\.mocharc\.\w+$/,
    reports: /reporter/,
    usual: { reporter: /mocha-junit-reporter/, path: "test-results.xml" },
  },
  {
    name: "Cypress",
    called: /\bcypress\b[^\n]{0,300}\brun\b/,
    settings: /^cypress[\w.-]*\.(?:[cm]?[jt]s|json)$/,
    reports: /reporter/,
    usual: { reporter: /junit/, path: "test-results.xml" },
  },
  {
    name: "Node's test runner",
    called: /\bnode\b[^\n]{0,300}\s--test\b/,
    settings: /^$/,
    reports: /--test-reporter[=\s]+(?:junit|tap|\S{0,100}ctrf)/,
  },
  {
    name: "pytest",
    called: /\bpytest\b|\bpy\.test\b/,
    settings: /^(?:pytest\.ini|pyproject\.toml|tox\.ini|setup\.cfg|conftest\.py)$/,
    reports: /--junit-?xml\b|json-report|ctrf/,
  },
];

/** An output that only the tool itself could compute. */
const computed =
  /\b(?:outputFile|outputDirectory|outputDir|outputName)\b\s*[:=]\s*(?!\s*["'`{])\S|\b(?:outputFile|outputDirectory)\b[^,\n}]{0,300}(?:\$\{|process\.env|join\(|resolve\()/;
const reportName = /\.(?:xml|json|jsonl|ndjson|trx|tap|txt)$/;
const literal = /["'`]([^"'`\n]{1,300})["'`]/g;
const word = /[^\s"'`=;|&<>()]+/g;

export interface Written {
  tool: string;
  /** Paths that it writes to, relative to the folder in which the command runs. */
  paths: string[];
  /** Whether it writes any report, as far as one can see. */
  writesAny: boolean;
  /** Whether a path depends on something that only a run knows. */
  computed: boolean;
}

/**
 * @param commands a command and the scripts that it calls
 * @param variables the environment of the command
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
  const settings = [...project.toolSettings]
    .filter(([path]) => tool.settings.test(path.slice(dirname(path).length + 1)))
    .filter(([path]) => !relative(dirname(path), folder).startsWith(".."))
    .map(([path, content]) => ({
      folder: dirname(path),
      name: path,
      content: isCode(path) ? withoutComments(content) : content,
    }));
  const own = project.packages.get(folder)?.file.text;
  if (tool.name === "Jest" && own !== undefined) settings.push({ folder, name: "package.json", content: own });
  const all = [text, ...variables, ...settings.map(({ content }) => content)];
  // Settings elsewhere haven't been read.
  const named = /--(?:config|c)[=\s]|\s-c\s/.test(text);
  return {
    tool: tool.name,
    paths: [
      ...pathsIn([text, ...variables].join("\n"), word).map((path) => posix(path)),
      ...(tool.usual && all.some((one) => tool.usual?.reporter.test(one)) ? [tool.usual.path] : []),
      ...settings.flatMap(({ folder: place, name, content }) =>
        pathsIn(content, isCode(name) ? literal : word).map((path) => posix(relative(folder, join(place, path)))),
      ),
    ],
    writesAny: all.some((one) => tool.reports.test(one)),
    computed:
      named ||
      settings.some(({ content }) => computed.test(content)) ||
      /\$\{?\w{0,100}\}?[\w/-]{0,200}\.(?:xml|json)/.test(text),
  };
}

function pathsIn(text: string, pattern: RegExp): string[] {
  const found = [...text.matchAll(pattern)].map(([whole, inner]) => inner ?? whole).filter((path) => !path.startsWith("-"));
  const files = found.filter((path) => reportName.test(path));
  // `outputDirectory` of jest-junit: the name is given apart, or left out.
  const places = found.filter((path) => /^[\w./-]+$/.test(path) && !reportName.test(path));
  const names = [...files.filter((path) => !path.includes("/")), "junit.xml"];
  return [...files, ...places.slice(0, 200).flatMap((place) => names.slice(0, 20).map((name) => `${place}/${name}`))];
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
