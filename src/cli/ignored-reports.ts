import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { group, list, text, valueAt } from "../config/path.ts";
import { parseYaml } from "../config/yaml.ts";
import { difference } from "../init/diff.ts";
import type { PlannedFile } from "../init/plan.ts";
import { inFolder, type Repository } from "../init/repository.ts";

/** Test reports are written anew by each run: what git doesn't ignore of them, the next `git add -A` would commit. */

/** @returns `.gitignore` with the lines that it lacks; undefined if it lacks none, or git can't say */
export function missingIgnores(root: string, repository: Repository, configuration: string): PlannedFile | undefined {
  const lines = new Map(
    reportsIn(configuration).map((report) => {
      const path = inFolder(repository, report);
      return [path, lineFor(repository, report)] as const;
    }),
  );
  const shown = [...lines].filter(([path]) => !isIgnored(root, path)).map(([, line]) => line);
  const path = inFolder(repository, ".gitignore");
  const before = repository.read(path);
  // What can be read and is no file of its own is a link to somewhere else.
  if (before !== undefined && !repository.files.includes(path)) return undefined;
  // Somebody who commits the reports leaves the line as a comment.
  const there = (before ?? "").split(/\r?\n/).map((line) => line.replace(/^\s*#+\s*/, "").trim());
  const missing = [...new Set(shown)].filter((line) => !there.includes(line));
  if (missing.length === 0) return undefined;
  const written = [
    before === undefined ? "" : before.endsWith("\n") || before === "" ? before : `${before}\n`,
    ...missing.map((line) => `${line}\n`),
  ].join("");
  return {
    path,
    text: written,
    state: before === undefined ? "new" : "different",
    difference: before === undefined ? [] : difference(before, written),
  };
}

/** Relative to the folder of the configuration's project; none that are outside of it or not known before the run. */
function reportsIn(configuration: string): string[] {
  const { data } = parseYaml(configuration);
  return ["integration", "e2e"].flatMap((stage) => {
    const suite = group(valueAt(data, ["stages", stage]));
    const reports = list(suite.reports) ?? list(group(suite.reports).files) ?? [];
    const folder = (text(suite.workingDirectory) ?? ".").replace(/^(?:\.\/)+|^\.$|\/+$/g, "");
    return reports
      .flatMap((report) => text(report) ?? [])
      .map((report) => (folder === "" ? report : `${folder}/${report}`).replace(/^\.\//, ""))
      .filter((path) => !/^\/|(?:^|\/)\.\.(?:\/|$)|\$\{|[{}\\]/.test(path));
  });
}

/** The folder of the report, unless the repository keeps something else in it. */
function lineFor(repository: Repository, report: string): string {
  const folders = report.split("/").slice(0, -1);
  const first = folders.findIndex((name) => name.includes("*"));
  const folder = (first < 0 ? folders : folders.slice(0, first)).join("/");
  const isShared = folder === "" || repository.files.some((file) => file.startsWith(`${inFolder(repository, folder)}/`));
  return isShared ? `/${report}` : `/${folder}/`;
}

/** Only git knows all places that say what it ignores. */
function isIgnored(root: string, path: string): boolean {
  const one = path.replaceAll("**/", "").replaceAll("*", "x");
  const { status } = spawnSync("git", ["-c", "core.fsmonitor=false", "check-ignore", "--quiet", "--no-index", "--", one], {
    ...{ cwd: join(root), stdio: "ignore", timeout: 10_000 },
  });
  // 1: not ignored. All else means that there is no git, or no repository.
  return status !== 1;
}
