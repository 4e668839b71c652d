import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { stageNames } from "../src/model/report.ts";

/**
 * Writes `test/fixtures/runs`: the reports of whole gates on the small ClassWaves, as they are and broken on purpose. Tests draw
 * them as people see them. Run it again if a field of the report changes; it needs what `npm start` needs.
 */
const root = join(import.meta.dirname, "..");
const classroom = join(root, "examples", "classroom");

/** Folder → what breaks. */
const runs = { passed: "", failed: "failing-test,crashed-suite", "failed-e2e": "e2e-failing-test" };

for (const [name, broken] of Object.entries(runs)) {
  await rm(join(classroom, ".env-actions"), { recursive: true, force: true });
  const gate = spawn(process.execPath, [join(root, "scripts", "start.ts")], {
    cwd: root,
    env: { ...process.env, CLASSROOM_BREAK: broken },
    stdio: "inherit",
  });
  await once(gate, "exit");
  const folder = join(root, "test", "fixtures", "runs", name);
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  for (const stage of stageNames) {
    const report = join(classroom, ".env-actions", "reports", `${stage}.json`);
    // Stages after a failed one do not run.
    if (!existsSync(report)) continue;
    const text = await readFile(report, "utf8");
    await writeFile(join(folder, `${stage}.json`), text.replaceAll(root, "/home/runner/work/env-actions/env-actions"));
  }
}
