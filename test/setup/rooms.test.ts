import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { layoutViolations, violations } from "../../scripts/check-rooms.ts";

/** A check that finds nothing could be broken. So each kind of violation is planted, in each form that an import can have. */

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "rooms-"));
});

afterEach(() => rmSync(root, { recursive: true, force: true }));

function write(files: Record<string, string>): void {
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(join(root, dirname(file)), { recursive: true });
    writeFileSync(join(root, file), text);
  }
}

function found(files: Record<string, string>): string[] {
  write(files);
  return violations(root).map(({ file, line, imported, rule }) => `${file}:${line} ${imported}: ${rule}`);
}

it("allows imports downwards, of a room's own files, of model.ts, and of packages that every room may use", () => {
  const files = {
    "src/main.ts": 'import "./action/missing.ts"; await import("./program.ts");',
    "src/program.ts": 'await import("./action/main.ts"); await import("./cli/main.ts");',
    "src/index.ts": 'export * from "./stages/run.ts"; export type { Report } from "./model/report.ts";',
    "src/app/run-stage.ts": 'import "../stages/run.ts"; import "../report/markdown.ts"; import "../lib/count.ts";',
    "src/action/main.ts": 'import * as core from "@actions/core"; import { run } from "../app/run-stage.ts";',
    "src/stages/run.ts": 'import { z } from "zod"; import "../checks/http.ts"; import "../warehouse/connection.ts";',
    "src/checks/http.ts":
      'import "node:fs"; import "./json/path.ts"; import "../redis/connection.ts"; import "../model/report.ts";',
    "src/checks/json/path.ts": 'import "../http.ts";',
    "src/warehouse/connection.ts": 'const { DBSQLClient } = await import("@databricks/sql"); import "../config/schema.ts";',
    "src/redis/connection.ts": 'import type { Redis } from "ioredis";',
    "src/testkit/index.ts": 'import { readFileSync } from "node:fs"; export { append } from "./append.ts";',
    "src/testkit/append.ts": "export const append = 1;",
    "src/config/schema.ts": 'import * as kinds from "../checks/registry.ts"; import "../lib/zod.ts";',
    "src/checks/registry.ts": 'export { ftp } from "./ftp/kind.ts";',
    "src/checks/ftp/kind.ts":
      'import "../../config/values.ts"; import type { CheckKind } from "../kind.ts"; const load = () => import("./check.ts");',
    "src/checks/kind.ts": 'import type { RedisReader } from "../redis/connection.ts";',
    "src/checks/ftp/check.ts": 'import type { CheckContext } from "../kind.ts"; import "../../warehouse/connection.ts";',
    "src/github/api.ts": 'import { getOctokit } from "@actions/github";',
    "local/warehouse/server.ts": 'import "../../src/index.ts"; import "@databricks/sql/thrift/TCLIService.js";',
    "examples/shop/cache.ts": 'import { Redis } from "ioredis"; const later = await import(process.argv[2]);',
  };
  expect(found(files)).toEqual([]);
});

it.each([
  ["upwards", "src/checks/http.ts", 'import { run } from "../stages/run.ts";', "../stages/run.ts: checks may import"],
  ["sideways", "src/checks/http.ts", 'import { plan } from "../cleanup/plan.ts";', "../cleanup/plan.ts: checks may import"],
  [
    "from a store to another store",
    "src/redis/x.ts",
    'import "../warehouse/connection.ts";',
    "redis may import model, config, lib, not warehouse",
  ],
  ["from stages to report", "src/stages/run.ts", 'import "../report/html.ts";', "stages may import"],
  [
    "from report to a room other than model and lib",
    "src/report/html.ts",
    'import "../config/schema.ts";',
    "report may import model, lib, not config",
  ],
  [
    "from the configuration to the file that runs a check",
    "src/config/x.ts",
    'import "../checks/ftp/check.ts";',
    "config may import",
  ],
  [
    "of the file that runs a check, if not lazy",
    "src/checks/ftp/kind.ts",
    'import { run } from "./check.ts";',
    "kinds may import",
  ],
  ["of another kind's check", "src/checks/ftp/kind.ts", 'await import("../http/check.ts");', "kinds may import"],
  ["of a driver from a kind", "src/checks/ftp/kind.ts", 'import "../../redis/connection.ts";', "kinds may import"],
  ["from lib to another room", "src/lib/x.ts", 'import "../model/report.ts";', "lib may import nothing of another room"],
  ["from a loose file in src", "src/x.ts", 'import "./model/report.ts";', "x.ts is no room of the house"],
  [
    "from model to another room",
    "src/model/report.ts",
    'import "../config/units.ts";',
    "model may import nothing of another room",
  ],
  ["of a type only", "src/config/x.ts", 'import type { Plan } from "../cleanup/plan.ts";', "config may import"],
  ["of a type, inline", "src/config/x.ts", 'type Plan = import("../cleanup/plan.ts").Plan;', "config may import"],
  ["that is exported again", "src/config/x.ts", 'export { plan } from "../cleanup/plan.ts";', "config may import"],
  ["that is exported again as a whole", "src/config/x.ts", 'export * from "../cleanup/plan.ts";', "config may import"],
  ["at run time", "src/config/x.ts", 'await import("../cleanup/plan.ts");', "config may import"],
  ["whose path is computed", "src/config/x.ts", "await import(process.argv[2]);", "must be written out"],
  ["of a room that does not exist", "src/helpers/x.ts", 'import "../config/schema.ts";', "helpers is no room of the house"],
  ["of a file in src that no room may use", "src/config/x.ts", 'import "../main.ts";', "not main.ts"],
  ["of the driver outside warehouse", "src/checks/x.ts", 'import type { A } from "@databricks/sql";', "only warehouse knows"],
  ["of a driver's subpath", "src/checks/x.ts", 'await import("@databricks/sql/dist/x.js");', "only warehouse knows"],
  ["of ioredis outside redis", "src/cleanup/x.ts", 'import { Redis } from "ioredis";', "only redis knows"],
  ["of @actions/core outside action", "src/stages/x.ts", 'import "@actions/core";', "only action knows"],
  ["of @actions/github outside github", "src/action/x.ts", 'import "@actions/github";', "only github knows"],
  ["of model from testkit", "src/testkit/x.ts", 'import "../model/report.ts";', "testkit may import its own files and node:*"],
  ["of a room from testkit", "src/testkit/x.ts", 'import type { A } from "../config/x.ts";', "testkit may import its own files"],
  ["of a package from testkit", "src/testkit/x.ts", 'import { z } from "zod";', "testkit may import its own files and node:*"],
  ["of testkit from a room", "src/cleanup/x.ts", 'import "../testkit/index.ts";', "not testkit"],
  ["of local from src", "src/stages/x.ts", 'import "../../local/redis.ts";', "src does not know local"],
  ["of tests from src", "src/stages/x.ts", 'import "../../test/stages/world.ts";', "src does not know test"],
  ["of an inner file of src from local", "local/x.ts", 'import "../src/warehouse/connection.ts";', "only its public entry"],
  [
    "of an inner file of src from an example",
    "examples/shop/x.mjs",
    'import "../../src/model/report.ts";',
    "only its public entry",
  ],
  [
    "of an inner file of src from bench",
    "bench/x.ts",
    'await import("../src/test-reports/formats/junit.ts");',
    "only its public entry",
  ],
])("finds an import %s", (_, file, text, message) => {
  expect(found({ "src/model/report.ts": "export {};", [file]: `\n${text}\n` })).toEqual([expect.stringContaining(message)]);
});

it("names the line of the import, and ignores imports in comments", () => {
  const text = '// import "../stages/run.ts"\n/** {@link import("../stages/run.ts")} */\nimport "ioredis";\n';
  expect(found({ "src/checks/x.ts": text })).toEqual(["src/checks/x.ts:3 ioredis: only redis knows ioredis"]);
});

it("does not look into installed packages", () => {
  expect(found({ "examples/shop/node_modules/a/index.js": 'import "../../../../src/model/report.ts";' })).toEqual([]);
});

it("finds folders of src with a single file, at any depth", () => {
  write({
    "src/main.ts": "",
    "src/lib/count.ts": "",
    "src/lib/glob.ts": "",
    "src/lib/names/plurals.ts": "",
    "src/audit/log/chain.ts": "",
    "local/github/api.ts": "",
  });
  expect(layoutViolations(root)).toEqual([
    "src/audit/log: has a single file, src/audit/log/chain.ts; put the file into the folder above",
    "src/audit: has a single file, src/audit/log/chain.ts; put the file into the folder above",
    "src/lib/names: has a single file, src/lib/names/plurals.ts; put the file into the folder above",
  ]);
});

it("finds files of src and local with more than 400 lines", () => {
  const [longest, tooLong] = [400, 401].map((lines) => "// a line\n".repeat(lines)) as [string, string];
  write({
    "src/main.ts": longest,
    "src/lib/count.ts": tooLong,
    "src/lib/glob.ts": "",
    "local/redis.ts": tooLong,
    "test/lib/count.test.ts": tooLong,
  });
  expect(layoutViolations(root)).toEqual([
    "local/redis.ts: has 401 lines, more than 400; split it by what it is about",
    "src/lib/count.ts: has 401 lines, more than 400; split it by what it is about",
  ]);
});
