import { makeGradle, makeSurefire, makeTestng } from "./corpus/java.ts";
import { makeCucumber, makeJest, makeMocha, makeNodeTest, makePlaywright, makeVitest } from "./corpus/javascript.ts";
import { makeCatch2, makeCtest, makeDoctest, makeGo, makeGoogletest, makeNextest } from "./corpus/native.ts";
import { makeBehave, makePytest, makeRobot, makeUnittest } from "./corpus/python.ts";
import { makeBun, makeDeno, makeJasmine, makeTap } from "./corpus/runtimes.ts";
import { makeBats, makeNunit, makePhpunit, makeProve, makeRspec } from "./corpus/scripted.ts";
import { NotHere, Workbench } from "./corpus/workbench.ts";

/**
 * Runs the real tools on the small projects in scripts/corpus/projects, and stores what they wrote, with the counts of their own
 * last lines, in test/test-reports/corpus. Run it by hand: `node scripts/corpus.ts [tool …]`; without names, it runs all. Tools
 * are installed in .cache/corpus. A tool that this machine cannot have is skipped, aloud, and what it made before stays.
 */
const makers: Record<string, { project?: string; make: (bench: Workbench) => void }> = {
  "pytest-8": { project: "pytest", make: (bench) => makePytest(bench, "pytest-8") },
  "pytest-9": { project: "pytest", make: (bench) => makePytest(bench, "pytest-9") },
  "surefire-junit4": { make: makeSurefire },
  "surefire-junit5": { make: makeSurefire },
  "surefire-testng": { make: makeTestng },
  gradle: { make: makeGradle },
  "node-test": { make: makeNodeTest },
  "node-test-20": { project: "node-test", make: makeNodeTest },
  mocha: { make: makeMocha },
  jest: { make: makeJest },
  vitest: { make: makeVitest },
  playwright: { make: makePlaywright },
  cucumber: { make: makeCucumber },
  bun: { make: makeBun },
  deno: { make: makeDeno },
  tap: { make: makeTap },
  jasmine: { make: makeJasmine },
  go: { make: makeGo },
  catch2: { make: makeCatch2 },
  doctest: { project: "catch2", make: makeDoctest },
  googletest: { make: makeGoogletest },
  ctest: { make: makeCtest },
  nextest: { make: makeNextest },
  robot: { make: makeRobot },
  behave: { make: makeBehave },
  unittest: { make: makeUnittest },
  rspec: { make: makeRspec },
  phpunit: { make: makePhpunit },
  bats: { make: makeBats },
  prove: { make: makeProve },
  nunit: { make: makeNunit },
  // What nobody can have here. The names say so in every run.
  "dotnet-test": { make: (bench) => bench.need("dotnet") },
  dart: { make: (bench) => bench.need("dart") },
};

const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !(name in makers));
if (unknown.length > 0) throw new Error(`no such tool: ${unknown.join(", ")}; there are ${Object.keys(makers).join(", ")}`);

for (const [tool, { project, make }] of Object.entries(makers)) {
  if (asked.length > 0 && !asked.includes(tool)) continue;
  const bench = new Workbench(tool, project);
  try {
    make(bench);
    console.log(`made     ${tool}: ${bench.finish()}`);
  } catch (error) {
    if (!(error instanceof NotHere)) {
      console.error(error);
      process.exitCode = 1;
      continue;
    }
    console.log(`SKIPPED  ${tool}: ${error.message.replaceAll("\n", " ")}`);
  }
}
