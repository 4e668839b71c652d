import { makeJest, makeMocha, makePlaywright, makeVitest } from "./report-fixtures/javascript.ts";
import { makeGo, makeGradle, makePytest, makeSurefire } from "./report-fixtures/other-languages.ts";
import { Workshop } from "./report-fixtures/workshop.ts";
import { makeNUnit, makeRobot, makeTestNG } from "./report-fixtures/xml-formats.ts";

/**
 * Runs the real test runners on the small projects in test/fixtures/reports/projects, and stores their reports as fixtures. Run
 * it by hand after updating a runner: `node scripts/make-report-fixtures.ts [runner …]`; without names, it runs all. Runners that
 * the repository does not use are installed in a temporary folder, which is deleted afterwards.
 */
const makers: Record<string, (workshop: Workshop) => void> = {
  vitest: makeVitest,
  playwright: makePlaywright,
  jest: makeJest,
  mocha: makeMocha,
  pytest: makePytest,
  go: makeGo,
  surefire: makeSurefire,
  gradle: makeGradle,
  robot: makeRobot,
  testng: makeTestNG,
  nunit: makeNUnit,
};

const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !(name in makers));
if (unknown.length > 0) throw new Error(`no such runner: ${unknown.join(", ")}; there are ${Object.keys(makers).join(", ")}`);

using workshop = new Workshop();
for (const [name, make] of Object.entries(makers)) if (asked.length === 0 || asked.includes(name)) make(workshop);
