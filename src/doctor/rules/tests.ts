import { group, list, text, texts } from "../../config/path.ts";
import { presetOf } from "../../config/preset.ts";
import { count } from "../../lib/count.ts";
import { known, type Suite } from "../configuration.ts";
import { configuredStages, isComputed } from "../gate.ts";
import { matches, nameMatches } from "../glob.ts";
import { reportsOf } from "../report-files.ts";
import type { Place, Rule, Subject } from "../rule.ts";
import { folderOf, packageAt, scriptsIn, withScripts } from "../scripts.ts";

/** Whether the project's tests do what the configuration expects of them. */

const suiteStages = ["integration", "e2e"] as const;

export const unwrittenReports: Rule = {
  code: "ED701",
  severity: "fails",
  title: "The command doesn't write the reports",
  meaning:
    "A stage judges the reports that match `reports`. If the command writes none of them, the stage fails although all tests passed.",
  cure: "Let the test tool write a report, and name the same path in `reports`.",
  *find(subject) {
    const { configuration, project } = subject;
    for (const stage of suiteStages) {
      const suite = configuration?.suite(stage);
      const folder = suite && folderOf(project, suite);
      if (!configuration || suite?.command === undefined || folder === undefined || suite.reports.length === 0) continue;
      if (isReplaced(subject, stage)) {
        subject.notLookedAt({ what: `the reports of ${stage}`, why: "a step of a workflow has its own command or reports" });
        continue;
      }
      const commands = withScripts(project, suite.workingDirectory ?? ".", suite.command);
      const written = reportsOf(project, folder, commands, variablesOf(subject, suite));
      const what = `the reports of ${stage}`;
      const { tool, unsure, refuses, paths = [], writesAny } = written ?? {};
      if (!written || !tool) subject.notLookedAt({ what, why: "the doctor doesn't know the test tool of its command" });
      else if (suite.reports.some((glob) => paths.some((path) => matches(glob, path)))) continue;
      else if (unsure !== undefined || !suite.allReportsKnown)
        subject.notLookedAt({ what, why: unsure ?? "the configuration computes where they are" });
      else {
        const names = suite.reports.join(", ");
        const without = writesAny || refuses !== undefined ? `writes none of ${names}` : `writes no report: expected ${names}`;
        const path = suite.reports[0]?.replace(/\*+/g, stage) ?? "";
        yield {
          at: configuration.file.keyPlace([...suite.path, "reports"]),
          message: `${tool.name} ${without}${refuses === undefined ? "" : `: ${refuses}`}`,
          cure: written.advice(path),
        };
      }
    }
  },
};

/** The environment variables of a test command: of its stage, its environment, and the steps that run it. */
function variablesOf(subject: Subject, suite: Suite): string[] {
  const { configuration } = subject;
  const environments = Object.values(configuration?.environments ?? {}).map(({ environment }) => group(environment));
  const steps = configuredStages(subject).flatMap(({ use, job }) =>
    use.stage === suite.stage
      ? [use.step.env, group(job.workflow.file.at([...job.path, "env"])), group(job.workflow.file.at(["env"]))]
      : [],
  );
  return [suite.environment, ...environments, ...steps].flatMap((all) =>
    Object.entries(all).map(([name, value]) => `${name}=${String(value)}`),
  );
}

function isReplaced(subject: Subject, stage: string): boolean {
  return configuredStages(subject).some(
    ({ use }) => use.stage === stage && (use.step.with.command ?? use.step.with.reports) !== undefined,
  );
}

export const noReports: Rule = {
  code: "ED702",
  severity: "fails",
  title: "The stage has no reports",
  meaning: "Without a report it is unknown whether a test ran, so the stage fails.",
  cure: "Name the files that the test tool writes: `reports: [reports/integration.xml]`.",
  *find(subject) {
    const seen = new Set<string>();
    for (const { use, configuration } of configuredStages(subject)) {
      if ((use.stage !== "integration" && use.stage !== "e2e") || seen.has(use.stage) || use.step.with.reports !== undefined)
        continue;
      const suite = configuration.suite(use.stage);
      if (suite?.command === undefined || suite.reports.length > 0 || !suite.allReportsKnown) continue;
      seen.add(use.stage);
      yield { at: configuration.file.keyPlace(suite.path), message: `stages.${use.stage} has a command, but no reports` };
    }
  },
};

export const unusedPrefixes: Rule = {
  code: "ED703",
  severity: "surprises",
  title: "The tests don't mark their data",
  meaning:
    "Cleanup recognises test data by a prefix. No test uses `ENV_ACTIONS_PREFIX`, the testkit or one of the configured prefixes, so cleanup finds nothing of what the tests make.",
  cure: "Begin ids and names of test data with `ENV_ACTIONS_PREFIX`, or list the prefixes that the tests use under `testData.prefixes`.",
  *find(subject) {
    const { configuration, project } = subject;
    if (!configuration || !makesData(subject)) return;
    const { tests } = project;
    if (!tests || tests.files === 0) subject.notLookedAt({ what: "the prefixes of the tests", why: "no test file was found" });
    else if (tests.found.size > 0) return;
    else if (!tests.complete)
      subject.notLookedAt({ what: "the prefixes of the tests", why: `only ${tests.files} files were searched` });
    else {
      const { file } = configuration;
      const path = ["testData", "prefixes"];
      const at = file.at(path) === undefined ? file.keyPlace(["stages"]) : file.keyPlace(path);
      yield {
        at,
        message: `none of ${count(tests.files, "test file")} uses ENV_ACTIONS_PREFIX, the testkit or a configured prefix`,
      };
    }
  },
};

/** Tests that run where rows or keys can be left. */
function makesData({ configuration }: Subject): boolean {
  const environments = Object.values(configuration?.environments ?? {});
  const hasTests = suiteStages.some((stage) => configuration?.suite(stage)?.command !== undefined);
  return (
    hasTests &&
    environments.some(({ access, databricks, redis }) => access === "test-data" && (databricks ?? redis) !== undefined)
  );
}

export const unknownScript: Rule = {
  code: "ED704",
  severity: "fails",
  title: "The script doesn't exist",
  meaning: "A command of the configuration runs a script that package.json doesn't have.",
  cure: "Add the script, or write the command itself.",
  *find(subject) {
    const { configuration, project } = subject;
    if (!configuration) return;
    for (const { command, folder, at } of commandsIn(subject)) {
      const own = packageAt(project, folder);
      for (const { name, certain } of scriptsIn(command)) {
        if (!certain || (name === "start" && own)) continue;
        if (!own) yield { at, message: `the command runs the script ${name}, and there is no package.json` };
        else if (!Object.hasOwn(own.scripts, name)) yield { at, message: `${own.file.name} has no script ${name}` };
      }
    }
  },
};

function* commandsIn({ configuration }: Subject): Iterable<{ command: string; folder: string; at: Place }> {
  if (!configuration) return;
  const { file } = configuration;
  const places = [
    ...suiteStages.map((stage) => ["stages", stage]),
    ...Object.entries(configuration.environments).flatMap(([name, { servers, tasks }]) => [
      ...Object.keys(group(servers)).map((server) => ["environments", name, "servers", server]),
      ...(list(tasks) ?? []).map((_, index) => ["environments", name, "tasks", index]),
    ]),
  ];
  for (const path of places) {
    const command = text(file.at([...path, "command"]));
    const folder = known(file.at([...path, "workingDirectory"]) ?? ".");
    if (command !== undefined && folder !== undefined) yield { command, folder, at: file.valuePlace([...path, "command"]) };
  }
}

const classWavesProjects = ["authenticated-*", "unauthenticated-*"];

export const unknownProjects: Rule = {
  code: "ED705",
  severity: "fails",
  title: "A required Playwright project doesn't exist",
  meaning:
    "At least one test of each project in `requiredProjects` must run. With ClassWaves' preset and Databricks, `authenticated-*` and `unauthenticated-*` are required.",
  cure: "Name the projects of the Playwright configuration in `requiredProjects`.",
  *find(subject) {
    const { configuration, project } = subject;
    const suite = configuration?.suite("e2e");
    if (!configuration || suite?.command === undefined) return;
    const path = [...suite.path, "requiredProjects"];
    const written = configuration.file.at(path);
    const isClassWaves =
      presetOf(configuration.file.parsed.data) === "classwaves" &&
      configuredStages(subject).some(({ use, environment }) => use.stage === "e2e" && environment.databricks !== undefined);
    const required = written === undefined ? (isClassWaves ? classWavesProjects : []) : (texts(written) ?? []);
    const settings = [...project.toolSettings].filter(([file]) =>
      /\/playwright[\w.-]*\.[cm]?[jt]s$/.test(file.replaceAll("\\", "/")),
    );
    const names = settings.flatMap(([, content]) =>
      [...content.matchAll(/\bname\s*:\s*["'`]([^"'`$\n]+)["'`]/g)].map(([, name = ""]) => name),
    );
    // Projects that are computed, or defined elsewhere, can't be compared.
    const isComplete =
      settings.length > 0 &&
      settings.every(([, content]) => !/\bname\s*(?::(?!\s*["'`])|,|\})|\.\.\.|\bname\s*:\s*`[^`]*\$/.test(content));
    if (names.length === 0 || !isComplete) return;
    for (const [index, glob] of required.entries()) {
      if (isComputed(glob) || names.some((name) => nameMatches(glob, name))) continue;
      const at =
        written === undefined ? configuration.file.keyPlace(suite.path) : configuration.file.valuePlace([...path, index]);
      yield { at, message: `no Playwright project is ${glob}; known: ${names.join(", ")}` };
    }
  },
};
