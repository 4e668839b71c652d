import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { argv } from "node:process";
import { answered, questionsOf } from "../src/init/answers.ts";
import { planOf } from "../src/init/plan.ts";
import { detectProject } from "../src/init/project.ts";
import { repositoryOf } from "../src/init/repository.ts";
import { type Sample, samples } from "../test/init/repositories.ts";

/**
 * Writes the workflows that `init` makes for each repository of its tests, so that zizmor can look at them, with the gate as a call where that
 * fits, and written out:
 * `node scripts/init-samples.ts FOLDER`. With an address of production, so that the one for smoke is among them.
 */

const [, , folder] = argv;
if (folder === undefined) throw new Error("expected the folder to write to: node scripts/init-samples.ts FOLDER");
rmSync(folder, { recursive: true, force: true });
/** As npm notes it where the package is installed: without it, nobody knows the commit, and zizmor is right to say so. */
const installation = JSON.stringify({
  packages: {
    "node_modules/env-actions": {
      version: "1.2.3",
      resolved: `git+ssh://git@github.com/classwaves/env-actions.git#${"0123456789".repeat(4)}`,
    },
  },
});
let count = 0;
for (const [name, sample] of Object.entries(samples) as [string, Sample][]) {
  const at = join(folder, name.toLowerCase().replace(/[^a-z0-9]+/g, "-"));
  const detected = detectProject(repositoryOf(sample.files, sample.folder), installation);
  const asksForProduction = questionsOf(detected).some((question) => question.name === "production");
  const named = asksForProduction ? answered(detected, { production: "https://shop.example.org" }) : detected;
  const configuration = sample.folder === undefined ? ".github/env-actions.yml" : `${sample.folder}/.github/env-actions.yml`;
  for (const [form, project] of Object.entries({ call: named, jobs: { ...named, isStandalone: true } }))
    for (const { path, text } of planOf(project, configuration, () => undefined).files) {
      if (!path.startsWith(".github/workflows/")) continue;
      const file = join(at, form, path);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, text);
      count++;
    }
}
console.log(`${count} workflows in ${folder}`);
