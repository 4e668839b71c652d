import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parse } from "yaml";
import { startLibraryWorld } from "../../scripts/library-world.ts";
import { freshBundle } from "../harness/process.ts";

/** The second example: nobody has touched what `init --yes` wrote for it, and its gate passes. */

const root = join(import.meta.dirname, "../..");
const example = join(root, "examples/library");
const { GITHUB_ACTIONS: _runner, ...env } = process.env;
let copy: string;

beforeAll(() => {
  copy = mkdtempSync(join(tmpdir(), "library-"));
  const own = new Set([".github", ".env-actions", "node_modules", "reports"]);
  for (const name of readdirSync(example)) if (!own.has(name)) cpSync(join(example, name), join(copy, name), { recursive: true });
  mkdirSync(join(copy, ".git"));
});
afterAll(() => rmSync(copy, { recursive: true }));

function filesOf(folder: string): Record<string, string> {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return Object.fromEntries(
    entries.map((entry) => {
      const path = join(entry.parentPath, entry.name);
      return [path.slice(folder.length + 1), readFileSync(path, "utf8")];
    }),
  );
}

test("its .github is what `init --yes` writes, with no question left open", () => {
  const { status, stdout } = spawnSync(process.execPath, [freshBundle, "init", "--yes"], {
    cwd: copy,
    env,
    encoding: "utf8",
  });
  expect(status).toBe(0);
  expect(stdout).not.toContain("What init could not know");
  const written = filesOf(join(copy, ".github"));
  expect(Object.keys(written).sort()).toEqual([
    "env-actions.yml",
    "workflows/cleanup-by-hand.yml",
    "workflows/nightly-cleanup.yml",
    "workflows/quality-gate.yml",
  ]);
  expect(filesOf(join(example, ".github"))).toEqual(written);
});

test("a warehouse that this terminal can reach is asked for its tables", async () => {
  const world = await startLibraryWorld();
  const folder = mkdtempSync(join(tmpdir(), "library-"));
  try {
    cpSync(copy, folder, { recursive: true });
    for (const name of ["db", ".github"]) rmSync(join(folder, name), { recursive: true, force: true });
    const init = async (variables: Record<string, string>) => {
      rmSync(join(folder, ".github"), { recursive: true, force: true });
      const child = spawn(process.execPath, [freshBundle, "init", "--yes"], {
        cwd: folder,
        env: { ...env, ...variables },
      });
      const [said] = await Promise.all([text(child.stdout), once(child, "exit")]);
      return { said, tables: parse(readFileSync(join(folder, ".github/env-actions.yml"), "utf8")).testData.tables };
    };
    const declared = parse(readFileSync(join(example, ".github/env-actions.yml"), "utf8")).testData.tables;
    const asked = await init(world.env);
    expect(asked.said).toContain("Reading the names of tables and columns in localhost, and how many test rows they have …");
    expect(asked.tables).toEqual(declared);

    // Another host than the one that the repository names is never asked, whatever the terminal has.
    const elsewhere = await init({ ...world.env, DATABRICKS_HOST: `127.0.0.1:${world.warehouse.port}` });
    expect(elsewhere.said).not.toContain("Reading");
    expect(elsewhere.tables).toEqual({});

    const refused = await init({ ...world.env, DATABRICKS_TOKEN: "dapi-of-nobody-at-all" });
    expect(refused.said).toContain("Note: the tables of the warehouse could not be read: ");
    expect(refused.said).not.toContain("dapi-of-nobody-at-all");
    expect(refused.tables).toEqual({});
  } finally {
    rmSync(folder, { recursive: true });
    await world.stop();
  }
});

test("`npm start -- library` passes, deletes what its tests made, and leaves people's rows alone", () => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(root, "scripts/start.ts"), "library"], {
    env,
    encoding: "utf8",
  });
  expect(status, `${stdout}${stderr}`).toBe(0);
  const verdicts = [...stdout.matchAll(/^ {2}\S (\w+) +(passed|degraded|failed|error|not run|left out) {2,}/gm)].map(
    ([, stage, verdict]) => `${stage} ${verdict}`,
  );
  // Slow statements are a warning: the machine may have much else to do.
  expect(verdicts.map((verdict) => verdict.replace("preflight degraded", "preflight passed"))).toEqual([
    "preflight passed",
    "integration passed",
    "e2e left out",
    "smoke left out",
    "cleanup passed",
  ]);
  expect(stdout).toMatch(/tests: 9 passed; 18 rows and 0 keys deleted, 0 left; books: unexplained rows 0, changed real rows 0/);
  expect(stdout).toContain("the same checksum over 3 tables, and nothing left behind");
});
