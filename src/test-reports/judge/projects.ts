import { type Glob, textGlob } from "../../lib/glob.ts";
import type { Check } from "../../model/report.ts";
import type { TestResults } from "../../model/test-results.ts";
import { checkOf, ranCount } from "./limits.ts";

export type Browser = "chromium" | "firefox" | "webkit";

/** How project names refer to browsers. */
const projectNames: Record<Browser, RegExp> = {
  chromium: /chromium|chrome|edge/i,
  firefox: /firefox/i,
  webkit: /webkit|safari/i,
};

/** @param required globs of project names; for each, at least one test must have run */
export function projectsCheck(results: TestResults, required: readonly string[] = []): Check[] {
  if (required.length === 0) return [];
  const wanted = required.map((glob) => ({ name: glob, means: textGlob(glob) }));
  return [presence(results, wanted, "tests.projects", "Required projects")];
}

/** A browser was tested if a project named after it ran. */
export function browsersCheck(results: TestResults, required: readonly Browser[] = []): Check[] {
  if (required.length === 0) return [];
  const wanted = required.map((name) => ({ name, means: projectNames[name] }));
  return [presence(results, wanted, "tests.browsers", "Required browsers")];
}

function presence({ projects }: TestResults, wanted: readonly { name: string; means: Glob }[], id: string, title: string): Check {
  const names = Object.keys(projects);
  const running = Object.entries(projects)
    .filter(([, counts]) => ranCount(counts) > 0)
    .map(([name]) => name);
  const missing = wanted.filter(({ means }) => !running.some((name) => means.test(name))).map(({ name }) => name);
  const observed = running.length > 0 ? running.join(", ") : "none";
  const expected = `a test that ran in each of ${wanted.map(({ name }) => name).join(", ")}`;
  if (missing.length === 0) return checkOf(id, title, "passed", observed, expected);
  const hint =
    names.length === 0
      ? "The reports name no projects at all: give Playwright's JSON report."
      : `The reports know ${names.join(", ")}; a project whose tests were all skipped did not run. List the projects that must run under stages.e2e.requiredProjects.`;
  return checkOf(id, title, "failed", observed, expected, `No test ran in ${missing.join(", ")}. ${hint}`);
}
