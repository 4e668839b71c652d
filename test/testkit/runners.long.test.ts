import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import vm from "node:vm";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { layOut } from "../../scripts/lay-out.ts";
import { readLedger } from "../../src/cleanup/ledger/ledger.ts";
import { git, makeRepository } from "../actions/workspace.ts";
import { makeProject, type Project, prefix, runId } from "./project.ts";

/** Each test runner loads the testkit in its own way. */

let project: Project;
const use = (packages?: readonly string[]) => {
  project = makeProject(packages);
  return project;
};
afterEach(() => {
  vi.unstubAllEnvs();
  project.remove();
});

test("Vitest: in the worker that runs this test", async () => {
  const { identity, ledger } = use();
  for (const [name, value] of Object.entries(identity)) vi.stubEnv(name, value);
  const testkit = await import("@classwaves/env-actions/testkit");
  expect(testkit.ledger).toBe(ledger);
  expect(testkit.testId("integration_test")).toMatch(new RegExp(`^${prefix}_[0-9a-f]{16}$`));
  expect(testkit.track("a.b", "1")).toBe(true);
  expect((await readLedger(ledger)).rows).toEqual(new Map([["a.b", new Set(["1"])]]));
});

/** Two files, so that two workers write at once. */
const suite = (imports: string, what: string) => `${imports}
import { prefix, testId, track, trackKey } from "env-actions/testkit";
for (const n of [1, 2, 3]) test("writes " + n, async () => {
  const id: string = testId("integration_test");
  expect(id.startsWith(prefix)).toBe(true);
  expect(track("a.b", "${what}-" + n)).toBe(true);
  expect(trackKey(id)).toBe(true);
});
`;

async function expectWritten(): Promise<void> {
  const { rows, keys, problems } = await readLedger(project.ledger);
  expect(problems).toEqual([]);
  expect([...(rows.get("a.b") ?? [])].sort()).toEqual(["one-1", "one-2", "one-3", "two-1", "two-2", "two-3"]);
  expect([...keys].filter((key) => key.startsWith(`${prefix}_`))).toHaveLength(6);
}

test.each(["threads", "forks"])("Vitest: TypeScript tests in %s", async (pool) => {
  const { run, write, identity } = use(["vitest"]);
  const imports = 'import { expect, test } from "vitest";';
  write({ "one.test.ts": suite(imports, "one"), "two.test.ts": suite(imports, "two") });
  const args = [join("node_modules", "vitest", "vitest.mjs"), "run", "--pool", pool, "--maxWorkers", "2"];
  const { status, stdout, stderr } = await run(process.execPath, args, identity);
  expect(status, stdout + stderr).toBe(0);
  await expectWritten();
});

test.each(["module", "commonjs"])("Playwright: TypeScript tests of a %s project, in two workers", async (type) => {
  const { run, write, identity } = use(["@playwright/test"]);
  const imports = 'import { expect, test } from "@playwright/test";';
  write({
    "package.json": JSON.stringify({ name: "project", private: true, type }),
    "one.spec.ts": suite(imports, "one"),
    "two.spec.ts": suite(imports, "two"),
  });
  const args = [join("node_modules", "@playwright", "test", "cli.js"), "test", "--workers", "2", "--reporter", "line"];
  const { status, stdout, stderr } = await run(process.execPath, args, identity);
  expect(status, stdout + stderr).toBe(0);
  await expectWritten();
});

test("Jest: in a realm with its own globals, its own process and a require that is not Node's", async () => {
  const { identity, ledger } = use();
  const require = createRequire(join(project.folder, "x.test.js"));
  const file = require.resolve("@classwaves/env-actions/testkit");
  expect(file).toMatch(/index\.cjs$/);
  const realm = vm.createContext({ Buffer });
  const code = `(function (module, exports, require, process) { ${readFileSync(file, "utf8")}\n})`;
  const load = (env: Record<string, string>) => {
    const module = { exports: {} as typeof import("@classwaves/env-actions/testkit") };
    const own = Object.assign(Object.create(process), { env });
    new vm.Script(code, { filename: file }).runInContext(realm)(module, module.exports, require, own);
    return module.exports;
  };
  const testkit = load(identity);
  expect([testkit.runId, testkit.track("a.b", "1"), testkit.trackKey("k")]).toEqual([runId, true, true]);
  expect(await readLedger(ledger)).toMatchObject({
    rows: new Map([["a.b", new Set(["1"])]]),
    keys: new Set(["k"]),
    problems: [],
  });
  // Node's errors come from another realm than the module. Their codes must still be recognised.
  const lost = load({ ...identity, ENV_ACTIONS_LEDGER: join(project.folder, "gone", "ledger.jsonl") });
  expect(() => lost.trackKey("k")).toThrow("its folder is gone (ENOENT");
  // Each test file loads its modules again. The run id that the testkit makes up must stay the same.
  const context = "integration_test_";
  expect(
    load({})
      .testId()
      .slice(0, context.length + 22),
  ).toBe(
    load({})
      .testId()
      .slice(0, context.length + 22),
  );
});

describe("the types", () => {
  const uses = (load: string) => `${load}
    const id: string = testId("integration_test");
    const own: string = testId();
    const recorded: boolean = track("sessions.classroom_sessions", id, own) && trackKey(prefix, runId);
    const file: string | undefined = ledger;
    export const all = [recorded, file];
    // @ts-expect-error an id is a text
    track("a.b", 7);
    // @ts-expect-error an id from a server's answer may be undefined
    track("a.b", [id][0]);
  `;
  const names = "ledger, prefix, runId, testId, track, trackKey";
  const asModule = uses(`import { ${names} } from "env-actions/testkit";`);

  test.each([
    ["nodenext", "nodenext"],
    ["node16", "node16"],
    ["esnext", "bundler"],
    ["commonjs", "bundler"],
  ])("are found with module %s and moduleResolution %s", async (module, moduleResolution) => {
    const { run, write } = use();
    const files: Record<string, string> = { "a.ts": asModule };
    if (module.startsWith("node")) {
      files["b.mts"] = asModule;
      files["c.cts"] = uses(`import testkit = require("@classwaves/env-actions/testkit"); const { ${names} } = testkit;`);
    }
    const compilerOptions = { module, moduleResolution, strict: true, noUncheckedIndexedAccess: true, noEmit: true, types: [] };
    write({ ...files, "tsconfig.json": JSON.stringify({ compilerOptions, files: Object.keys(files) }) });
    const tsc = join(import.meta.dirname, "../../node_modules/typescript/bin/tsc");
    expect(await run(process.execPath, [tsc, "-p", "."])).toEqual({ status: 0, stdout: "", stderr: "" });
  });
});

describe("installed from the tag of a release", () => {
  let published: string;
  beforeEach(() => {
    use();
    published = join(project.folder, "published");
    layOut({ from: join(import.meta.dirname, "../.."), out: published });
    makeRepository(published, {});
    git(published, "tag", "v1");
  });

  test.each(["env-actions", "@classwaves/env-actions"])("as %s, it loads as ES module and as CommonJS", async (name) => {
    project.write({ "user/package.json": '{"name":"user","private":true}' });
    const cwd = join(project.folder, "user");
    const spec = `${name}@git+file://${published}#v1`;
    execFileSync("npm", ["install", "--offline", "--no-audit", "--no-fund", "-D", spec], { cwd, stdio: "pipe" });
    const code = `import("${name}/testkit").then((module) => console.log(typeof module.testId, require("${name}/testkit").runId === module.runId))`;
    const told = execFileSync(process.execPath, ["--input-type=commonjs", "--eval", code], { cwd, encoding: "utf8" });
    expect(told).toBe("function true\n");
    const help = execFileSync(join("node_modules", ".bin", "env-actions"), ["help"], { cwd, encoding: "utf8" });
    expect(help).toContain("preflight");
  });
});
