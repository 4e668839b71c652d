import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { loadConfig } from "../../src/config/load.ts";
import { isRoute } from "../../src/config/routes.ts";

// stages/read-only.test.ts tests which spellings match a marked route, and sends them. This test shows that other routes do not match.
test.each([
  "/",
  "/api/v1/health",
  "/api/v1/health/databricks",
  "/api/v1/health/redis-status",
  "/api/v1/health/redis/keys",
  "/api/v1/healthy/redis",
  "/redis",
  "/api/v1/healthredis",
  "/api/v1/sessions?next=/health",
  "/api/v1/health/redis.keys.of/all",
  "/api/v1/health/.redis",
])("%s does not match **/health/redis", (path) => {
  expect(isRoute(path, ["**/health/redis"])).toBe(false);
});

test.each([
  ["/a/*", "/a/b", true],
  ["/a/*", "/a/b/c", false],
  ["/a/**", "/a/b/c", true],
  ["/a/**/z", "/a/z", true],
  ["/a/**/z", "/a/b/c/z", true],
  ["/a/**/z", "/a/bz", false],
  ["/a.b", "/axb", false],
  ["/A/b", "/a/B", true],
  ["/a*c", "/abbc", true],
  ["/räume", "/R%C3%84UME", true],
  ["/a/b.json", "/a/b.json", true],
  ["/a/b.json", "/a/b", false],
])("the pattern %s and the route %s: %s", (pattern, path, matches) => {
  expect(isRoute(path, [pattern])).toBe(matches);
});

test.each([
  ["mayWrite: { until: 2026-12-31 }", "reason"],
  ['mayWrite: { until: "soon", reason: "x" }', "expected the last day as a date, such as 2026-12-31"],
  ['mayWrite: { until: 2026-12-31, reason: " " }', "why this credential can write"],
])("an exception without a valid day and reason is a mistake: %s", async (line, says) => {
  const directory = await mkdtemp(join(tmpdir(), "env-actions-routes-"));
  try {
    const redis = `{ url: "\${REDIS_URL}", ${line} }`;
    await writeFile(
      join(directory, "c.yml"),
      `version: 1\nenvironments:\n  production:\n    access: read-only\n    redis: ${redis}\n`,
    );
    await expect(loadConfig({ file: "c.yml", cwd: directory, env: { REDIS_URL: "redis://x" } })).rejects.toThrow(says);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
});
