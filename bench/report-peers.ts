import { spawnSync } from "node:child_process";
import { mkdirSync, realpathSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { rolldown } from "rolldown";

/** Other readers of JUnit reports, to compare with in the same run. None of their code is in this repository. */

export interface Reader {
  name: string;
  /** The node arguments that read the report at `path`. */
  args(...paths: string[]): string[];
}

/** From npm: programs of their own. */
const programs = [
  { name: "junit2json", version: "4.0.0", args: (bin: string, path: string) => [bin, "-p", path] },
  { name: "junit-to-ctrf", version: "0.0.14", args: (bin: string, path: string) => [bin, path, "-o", `${path}.ctrf.json`] },
];

/** Actions. npm installs them from GitHub, or from a folder in `BENCH_PEERS` that has the name of the repository. */
const actions = [
  {
    owner: "dorny",
    name: "test-reporter",
    also: [],
    commit: "29672c52a8220c09bd9f79b5b6cf6315f1763996",
    entry: (from: (path: string) => string) => `import { readFileSync } from "node:fs";
import { JestJunitParser } from ${from("parsers/jest-junit/jest-junit-parser.ts")};
import { DEFAULT_OPTIONS, getReport } from ${from("report/get-report.ts")};
const path = process.argv[2];
const parser = new JestJunitParser({ parseErrors: true, trackedFiles: [] });
const results = await parser.parse(path, readFileSync(path, "utf8"));
console.log(getReport([results], DEFAULT_OPTIONS));
`,
  },
  {
    owner: "mikepenz",
    name: "action-junit-report",
    // It bundles this one, and lists it among the packages of its development only.
    also: ["glob@13.0.6"],
    commit: "305cd1f47a0fbd606dfeacc59048ea5595ea0a96",
    entry: (from: (path: string) => string) => `import { parseTestReports } from ${from("testParser.ts")};
import { buildSummaryTables } from ${from("table.ts")};
const results = await parseTestReports("tests", "", process.argv[2], "", true, false, false, [], undefined, "/");
console.log(JSON.stringify(buildSummaryTables([results], true, true, true, true, false, false)));
`,
  },
];

const installMs = 180_000;

/** Into `folder`. Those that cannot be installed are left out, with a message. */
export async function installPeers(folder: string): Promise<Reader[]> {
  const installed = programs.flatMap(({ name, version, args }) => {
    const prefix = install(folder, `${name} ${version}`, name, `${name}@${version}`);
    if (prefix === undefined) return [];
    const bin = realpathSync(join(prefix, "node_modules/.bin", name));
    return [{ name: `${name} ${version}`, args: (path = "") => args(bin, path) }];
  });
  for (const { owner, name, commit, also, entry } of actions) {
    const given = process.env.BENCH_PEERS;
    const spec = given ? join(given, name) : `github:${owner}/${name}#${commit}`;
    const prefix = install(folder, `${owner}/${name}`, name, spec, ...also);
    if (prefix === undefined) continue;
    const source = join(prefix, "node_modules", name, "src");
    const bundled = join(prefix, "bundle.mjs");
    await bundle(
      entry((path) => JSON.stringify(join(source, path))),
      bundled,
      prefix,
    );
    installed.push({ name: `${owner}/${name}`, args: (path = "") => [bundled, path] });
  }
  return installed;
}

/** @returns where it is; `undefined` if it cannot be installed */
function install(folder: string, title: string, name: string, ...specs: string[]): string | undefined {
  const prefix = join(folder, name);
  mkdirSync(prefix, { recursive: true });
  const options = ["--prefix", prefix, "--install-links", "--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund"];
  const { status, stderr, error } = spawnSync("npm", ["install", ...options, ...specs], { encoding: "utf8", timeout: installMs });
  if (status === 0) return prefix;
  console.log(`left out: ${title} could not be installed: ${error?.message ?? stderr.trim().split("\n")[0]}`);
  return undefined;
}

/** One minified file, as actions are published. @param root where its packages are */
export async function bundle(entry: string, file: string, root: string): Promise<void> {
  const input = file.replace(/\.mjs$/, ".entry.ts");
  writeFileSync(input, entry);
  const bundled = await rolldown({
    input,
    platform: "node",
    cwd: root,
    resolve: { extensionAlias: { ".js": [".ts", ".js"] } },
  });
  await bundled.write({ file, format: "esm", minify: true, codeSplitting: false });
  await bundled.close();
}
