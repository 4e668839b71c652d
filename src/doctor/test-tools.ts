import { type Called, nodeAdvice, nodeNotReports, optionValues, whyNodeRefuses } from "./node-reporters.ts";

/** Test tools: how a command calls them, and how they are told to write a report. */

export interface Tool {
  name: string;
  /** In a command. */
  called: RegExp;
  /** Files with its settings. */
  settings: RegExp;
  /** Keys of package.json with its settings. */
  keys?: readonly string[];
  /** In a command or in settings: that it writes a report at all. */
  reports: RegExp;
  /** Where a reporter writes to if nobody says it. */
  usual?: { reporter: RegExp; path: string };
  /** An option of the command by which the reporters in the settings no longer count, and those of them that write no report. */
  chosen?: { option: RegExp; silent: RegExp };
  /** Files that the command names, and that are no report all the same. */
  notReports?: (called: Called) => string[];
  /** Why it ends before it runs a test. */
  refuses?: (called: Called) => string | undefined;
  /** What lets it write this file. */
  advice: (path: string, called: Called) => string;
}

const isJson = (path: string): boolean => path.endsWith(".json");

/** The first that a command calls counts, so wrappers come last. */
export const tools: readonly Tool[] = [
  {
    name: "Playwright",
    called: /\bplaywright\b[^\n]{0,300}\btest\b/,
    settings: /^playwright[\w.-]*\.[cm]?[jt]s$/,
    reports: /--reporter[=\s]+\S{0,100}(?:json|junit)|["'`](?:json|junit|[\w@/.-]{0,100}ctrf[\w-]{0,100})["'`]/,
    chosen: { option: /\s--reporter[=\s]+["']?([\w,./@-]+)/g, silent: /^(?:list|line|dot|github|html|null|blob)$/ },
    advice: (path) =>
      `In the Playwright configuration: \`reporter: [["list"], ["${isJson(path) ? "json" : "junit"}", { outputFile: "${path}" }]]\`. A \`--reporter\` of the command replaces it.`,
  },
  {
    name: "Vitest",
    called: /\bvitest\b/,
    settings: /^(?:vitest|vite)[\w.-]*\.[cm]?[jt]s$/,
    reports: /--reporter[=\s]+\S{0,100}(?:json|junit)|["'`](?:json|junit|[\w@/.-]{0,100}ctrf[\w-]{0,100})["'`]/,
    chosen: {
      option: /\s--reporters?[=\s]+["']?([\w,./@-]+)/g,
      silent: /^(?:default|basic|verbose|dot|tree|minimal|agent|hanging-process|github-actions|html|blob)$/,
    },
    advice: (path) => {
      const format = isJson(path) ? "json" : "junit";
      return `Add \`--reporter=default --reporter=${format} --outputFile.${format}=${path}\` to the command.`;
    },
  },
  {
    name: "Jest",
    called: /\bjest\b/,
    settings: /^jest[\w.-]*\.(?:[cm]?[jt]s|json)$/,
    keys: ["jest", "jest-junit"],
    reports: /--json\b|jest-junit|ctrf/,
    usual: { reporter: /jest-junit/, path: "junit.xml" },
    chosen: { option: /\s--reporters[=\s]+["']?([\w,./@-]+)/g, silent: /^(?:default|github-actions|summary)$/ },
    notReports: ({ text, variables }) => {
      const command = [text, ...variables].join("\n");
      return /\s--json(?=\s|=|$)/.test(command) ? [] : optionValues(command, "outputFile");
    },
    advice: (path) =>
      isJson(path)
        ? `Add \`--json --outputFile=${path}\` to the command.`
        : `Install \`jest-junit\`, add \`--reporters=default --reporters=jest-junit\` to the command, and set \`JEST_JUNIT_OUTPUT_FILE: ${path}\` in \`environment\` of the stage.`,
  },
  {
    name: "Mocha",
    called: /\bmocha\b/,
    settings: /^\.mocharc\.\w+$/,
    keys: ["mocha"],
    reports: /reporter/,
    usual: { reporter: /mocha-junit-reporter/, path: "test-results.xml" },
    chosen: {
      option: /\s(?:--reporter|-R)[=\s]+["']?([\w,./@-]+)/g,
      silent: /^(?:spec|dot|nyan|landing|list|progress|min|markdown|doc|html)$/,
    },
    advice: (path) => `Add \`--reporter ${isJson(path) ? "json" : "xunit"} --reporter-option output=${path}\` to the command.`,
  },
  {
    name: "Cypress",
    called: /\bcypress\b[^\n]{0,300}\brun\b/,
    settings: /^cypress[\w.-]*\.(?:[cm]?[jt]s|json)$/,
    reports: /reporter/,
    usual: { reporter: /junit/, path: "test-results.xml" },
    advice: (path) => `Add \`--reporter junit --reporter-options "mochaFile=${path}"\` to the command.`,
  },
  {
    name: "Node's test runner",
    // Behind the name of a program, `--test` is an option of that program.
    called:
      /(?:^|[\s;&|(])(?:node|tsx)(?:\s+(?:--import|--require|-r|--loader|--env-file|-C)\s+\S+|\s+(?!(?:--import|--require|-r|--loader|--env-file|-C|--test)\s)-\S+)*\s+--test(?=\s|$)/,
    settings: /^$/,
    reports: /--test-reporter[=\s]+["']?(?!(?:spec|dot|lcov)\b)\S/,
    notReports: nodeNotReports,
    refuses: whyNodeRefuses,
    advice: nodeAdvice,
  },
  {
    name: "Bun",
    called: /\bbun\s+test(?=\s|$)/,
    settings: /^bunfig\.toml$/,
    reports: /junit/,
    advice: (path) => `Add \`--reporter=junit --reporter-outfile=${path}\` to the command.`,
  },
  {
    name: "pytest",
    called: /\bpytest\b|\bpy\.test\b/,
    settings: /^(?:\.?pytest\.(?:ini|toml)|pyproject\.toml|tox\.ini|setup\.cfg|conftest\.py)$/,
    reports: /--junit-?xml\b|json-report|ctrf/,
    advice: (path) => `Add \`--junitxml=${path}\` to the command.`,
  },
];
