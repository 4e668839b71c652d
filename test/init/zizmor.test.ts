import { spawnSync } from "node:child_process";
import { globSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";

/** `.ci/run` installs zizmor, and looks at the same files; a machine that has run it once has it here. */
const root = join(import.meta.dirname, "../..");
const [zizmor] = globSync(join(root, ".cache/zizmor-*/bin/zizmor"));

test.skipIf(zizmor === undefined)("zizmor finds nothing in what init writes, also if it is pedantic", () => {
  const folder = mkdtempSync(join(tmpdir(), "zizmor-"));
  try {
    const made = spawnSync(process.execPath, [join(root, "scripts/init-samples.ts"), join(folder, "all")], { encoding: "utf8" });
    expect(made.stderr).toBe("");
    expect(made.stdout).toMatch(/^\d{2} workflows in /);
    const options = ["--offline", "--no-progress", "--quiet", "--pedantic", join(folder, "all")];
    const { status, stdout } = spawnSync(zizmor ?? "", options, { encoding: "utf8" });
    expect(stdout).toMatch(/^No findings to report\b/);
    expect(status).toBe(0);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
