/**
 * How a test command writes a report: by options that are added, or as its script says already. Tools differ in what they make of the same
 * option twice: some take the last one, some both, and some refuse to start.
 */

export type UnitRunner = "jest" | "vitest" | "mocha" | "node" | "bun";

export interface Report {
  /** For the end of the command. */
  options: string[];
  reports: string[];
  environment?: Record<string, string>;
}

const json = "reports/integration.json";
const xml = "reports/integration.xml";

/** For a command that names no reporter. */
export function addedReport(runner: UnitRunner): Report {
  switch (runner) {
    case "jest":
      return { options: ["--json", `--outputFile=${json}`], reports: [json] };
    case "vitest":
      return { options: ["--reporter=default", "--reporter=json", `--outputFile.json=${json}`], reports: [json] };
    case "mocha":
      return { options: ["--reporter json", `--reporter-option output=${json}`], reports: [json] };
    case "bun":
      return { options: ["--reporter=junit", `--reporter-outfile=${xml}`], reports: [xml] };
    default:
      return nodeVariable(["spec"], ["stdout"]);
  }
}

/**
 * For a script.
 * @returns undefined if nothing can be added that surely works
 */
export function reportOf(runner: UnitRunner, script: string): Report | undefined {
  switch (runner) {
    case "jest":
      return jestReport(script);
    case "vitest":
      return vitestReport(script);
    case "mocha":
      return mochaReport(script);
    case "bun":
      return bunReport(script);
    default:
      return nodeReport(script);
  }
}

/** The values that a script gives to an option, in order. */
function given(script: string, ...names: readonly string[]): string[] {
  const option = names.map((name) => name.replaceAll(".", "\\.")).join("|");
  const pattern = new RegExp(`(?:^|\\s)(?:${option})(?:=|\\s+)(?:"([^"]*)"|'([^']*)'|([^\\s"']+))`, "g");
  return [...script.matchAll(pattern)].map(([, double, single, plain]) => double ?? single ?? plain ?? "");
}

/** As it is: the script's own report. */
function written(...reports: string[]): Report {
  return { options: [], reports };
}

/** Of `--json` and `--outputFile` twice, jest makes lists, and fails. */
function jestReport(script: string): Report {
  const writesJson = /\s--json(?=\s|$)/.test(script);
  const [file] = given(script, "--outputFile");
  if (file !== undefined) return { options: writesJson ? [] : ["--json"], reports: [file] };
  return { options: [...(writesJson ? [] : ["--json"]), `--outputFile=${json}`], reports: [json] };
}

/** A script's own reporters stay. `--outputFile=x` and `--outputFile.json=y` exclude each other. */
function vitestReport(script: string): Report | undefined {
  const reporters = given(script, "--reporter", "--reporters");
  const readable = reporters.filter((name) => name === "json" || name === "junit");
  const files = readable.flatMap((name) => given(script, `--outputFile.${name}`));
  if (files.length > 0) return written(...files.slice(0, 1));
  const [file] = given(script, "--outputFile");
  if (file !== undefined) return readable.length > 0 ? written(file) : undefined;
  if (reporters.length === 0) return addedReport("vitest");
  return { options: [...(readable.includes("json") ? [] : ["--reporter=json"]), `--outputFile.json=${json}`], reports: [json] };
}

/** The last `--reporter` wins, but options of reporters add up. */
function mochaReport(script: string): Report {
  const reporter = given(script, "--reporter", "-R").at(-1);
  const options = given(script, "--reporter-option", "--reporter-options", "-O").flatMap((list) => list.split(","));
  const last = (name: string) => options.findLast((option) => option.startsWith(`${name}=`))?.slice(name.length + 1);
  const file =
    reporter === "mocha-junit-reporter"
      ? (last("mochaFile") ?? "test-results.xml")
      : reporter === "json" || reporter === "xunit"
        ? last("output")
        : undefined;
  if (file !== undefined) return written(asGlob(file));
  if (reporter === "json" || reporter === "xunit") {
    const own = reporter === "json" ? json : xml;
    return { options: [`--reporter-option output=${own}`], reports: [own] };
  }
  return addedReport("mocha");
}

function bunReport(script: string): Report {
  const [file] = given(script, "--reporter-outfile");
  return file !== undefined && given(script, "--reporter").includes("junit") ? written(file) : addedReport("bun");
}

/**
 * Node takes options only before the names of test files, so they come from its variable; the process of npm has them too, and ignores
 * them. Node reads the variable first, pairs the reporters with the destinations in their order, and ends if one has no partner; a single
 * reporter needs none. So the destination of the script's only reporter must be said once there are two.
 */
function nodeReport(script: string): Report | undefined {
  // A script that sets the variable itself replaces ours. Of two runs, the second one would replace the report of the first.
  if (/\bNODE_OPTIONS=/.test(script) || [...script.matchAll(/\s--test(?=\s|$)/g)].length > 1) return undefined;
  const reporters = given(script, "--test-reporter");
  const destinations = given(script, "--test-reporter-destination");
  const file = destinations[reporters.indexOf("junit")];
  if (file !== undefined && file !== "stdout" && file !== "stderr") return written(file);
  if (reporters.length === destinations.length) return reporters.length === 0 ? addedReport("node") : nodeVariable([], []);
  return reporters.length === 1 && destinations.length === 0 ? nodeVariable([], ["stdout"]) : undefined;
}

/** @param destinations the first ones belong to `reporters`, the others to those of the script */
function nodeVariable(reporters: readonly string[], destinations: readonly string[]): Report {
  const pairs = reporters.flatMap((name, index) => [
    `--test-reporter=${name}`,
    `--test-reporter-destination=${destinations[index]}`,
  ]);
  const rest = destinations.slice(reporters.length).map((name) => `--test-reporter-destination=${name}`);
  const own = ["--test-reporter=junit", `--test-reporter-destination=${xml}`];
  return { options: [], reports: [xml], environment: { NODE_OPTIONS: [...pairs, ...own, ...rest].join(" ") } };
}

export interface BrowserReport {
  options: string[];
  /** Undefined: where `environment` says, beside the configuration of the tool. */
  report: string | undefined;
  environment?: Record<string, string>;
}

/**
 * `--reporter` replaces the reporters of the configuration, and the last one wins.
 * @param configured the report that the configuration writes
 */
export function playwrightReport(script: string, configured: string | undefined): BrowserReport {
  const named = given(script, "--reporter").at(-1)?.split(",");
  if (named === undefined && configured !== undefined) return { options: [], report: configured };
  for (const [name, variable] of [
    ["json", "PLAYWRIGHT_JSON_OUTPUT_NAME"],
    ["junit", "PLAYWRIGHT_JUNIT_OUTPUT_NAME"],
  ] as const) {
    const file = new RegExp(`\\b${variable}=["']?([^\\s"']+)`).exec(script)?.[1];
    if (named?.includes(name) && file !== undefined) return { options: [], report: file };
  }
  const reporters = named === undefined ? ["list", "json"] : [...named.filter((name) => name !== "json"), "json"];
  return {
    options: named?.includes("json") ? [] : [`--reporter=${reporters.join(",")}`],
    report: undefined,
    environment: { PLAYWRIGHT_JSON_OUTPUT_NAME: "reports/e2e.json" },
  };
}

export function cypressReport(script: string): Report {
  const options = given(script, "--reporter-options", "-o").flatMap((list) => list.split(","));
  const file = options.findLast((option) => option.startsWith("mochaFile="))?.slice("mochaFile=".length);
  if (file !== undefined && given(script, "--reporter", "-r").at(-1)?.includes("junit")) return written(asGlob(file));
  return {
    options: ["--reporter junit", '--reporter-options "mochaFile=reports/cypress-[hash].xml"'],
    reports: ["reports/cypress-*.xml"],
  };
}

/** `[hash]` and `[suiteFilename]` are different in each run. */
function asGlob(file: string): string {
  return file.replace(/\[\w+\]/g, "*");
}
