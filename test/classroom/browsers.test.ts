import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { findBrowsers } from "../../examples/classroom/tests/e2e/browsers.ts";

/** If a missing browser were not reported, it would look as if all its tests had passed. */
it("finds each of the three browsers, or reports that it is missing", () => {
  const { found, missing } = findBrowsers({});
  for (const name of ["chrome", "firefox", "webkit"]) {
    const spoken = missing.filter((line) => line.toLowerCase().includes(name)).length;
    expect([name, found.filter((browser) => browser.name === name).length + spoken]).toEqual([name, 1]);
  }
});

it("prefers the browser that CHROME_PATH names", () => {
  const chrome = findBrowsers({ CHROME_PATH: process.execPath }).found.find(({ name }) => name === "chrome");
  expect(chrome?.launch.executablePath).toBe(process.execPath);
});

it("refuses a CHROME_PATH that names no file", () => {
  expect(() => findBrowsers({ CHROME_PATH: "/no/such/chrome" })).toThrow("CHROME_PATH names no file: /no/such/chrome");
});

it("has two projects for each browser found, and one line for each missing one", () => {
  const empty = mkdtempSync(join(tmpdir(), "no-browsers-"));
  try {
    const { stdout } = spawnSync("playwright", ["test", "--list"], {
      cwd: fileURLToPath(new URL("../../examples/classroom", import.meta.url)),
      env: { ...process.env, CHROME_PATH: process.execPath, PLAYWRIGHT_BROWSERS_PATH: empty },
      encoding: "utf8",
      timeout: 30_000,
    });
    expect(new Set(stdout.match(/\[[a-z]+-[a-z]+\]/g))).toEqual(new Set(["[authenticated-chrome]", "[unauthenticated-chrome]"]));
    expect(stdout.match(/is not installed/g)).toHaveLength(2);
  } finally {
    rmSync(empty, { recursive: true });
  }
});
