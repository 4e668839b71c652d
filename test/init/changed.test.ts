import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { freshBundle } from "../harness/process.ts";

/** `init` again after the repository changed, and what git must not commit. */

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "init-"));
});
afterEach(() => rmSync(root, { recursive: true }));

const configuration = ".github/env-actions.yml";

function put(files: Readonly<Record<string, string>>): void {
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), content);
  }
}

function init(args: readonly string[] = ["--yes"], folder = "") {
  const { GITHUB_ACTIONS: _runner, ...env } = process.env;
  const { status, stdout } = spawnSync(process.execPath, [freshBundle, "init", ...args], {
    ...{ cwd: join(root, folder), env, encoding: "utf8" },
  });
  return { status, stdout };
}

function git(...args: string[]): string {
  const { status, stdout, stderr } = spawnSync("git", args, { cwd: root, encoding: "utf8" });
  expect(status, stderr).toBe(0);
  return stdout;
}

const read = (name: string) => readFileSync(join(root, name), "utf8");

/** The line of the configuration with this text, counted from 1. */
const lineOf = (text: string) =>
  read(configuration)
    .split("\n")
    .findIndex((line) => line.includes(text)) + 1;

const server = (port: number) => `const app = express();\napp.get("/health", up);\napp.listen(process.env.PORT ?? ${port});\n`;
const manifest = (scripts: Record<string, string>) => JSON.stringify({ name: "shop", scripts });
const shop = {
  "package.json": manifest({ start: "node server.js", test: "node --test test/*" }),
  "server.js": server(3100),
  "test/a.test.js": "",
};

describe("a repository that has changed", () => {
  test("another port in the code: the file's is used, and both are named with the line", () => {
    put(shop);
    init();
    put({ "server.js": server(3200) });
    const { status, stdout } = init();
    expect(status).toBe(0);
    const line = lineOf("port: 3100");
    expect(stdout).toContain(`  ${configuration}:${line}  the configuration says port 3100, and the code 3200\n`);
    expect(stdout).toContain("Nothing to write: no file lacks what init would add.");
    expect(stdout).not.toContain("every file is as init would write it");
    expect(stdout).toContain(`What this repository has, with the values of ${configuration}:\n`);
    expect(stdout).toContain("servers       npm start, port 3100\n");
  });

  test("a script that is gone: the summary shows what the gate runs, and that it can't", () => {
    put(shop);
    init();
    put({ "package.json": manifest({ start: "node server.js" }) });
    const { stdout } = init();
    const line = lineOf("command: npm test");
    expect(stdout).toContain(
      `  ${configuration}:${line}  the configuration runs the script "test", which package.json doesn't have\n`,
    );
    expect(stdout).toContain("tests         npm test (the configuration)\n");
    expect(stdout).toContain("its gate has preflight, integration.");
    expect(stdout).not.toContain("every file is as init would write it");
  });

  test("a server's script that is gone", () => {
    put(shop);
    init();
    put({ "package.json": manifest({ test: "node --test test/*" }) });
    const { stdout } = init();
    expect(stdout).toContain(`${configuration}:${lineOf("command: npm start")}  the configuration runs the script "start"`);
    expect(stdout).toContain("servers       npm start, port 3100\n");
  });

  test("a reporter that the script names now: the variables of the file would stop Node", () => {
    put(shop);
    init();
    put({ "package.json": manifest({ start: "node server.js", test: "node --test --test-reporter=tap test/*" }) });
    expect(init().stdout).toMatch(
      /env-actions\.yml:\d+ {2}the configuration sets NODE_OPTIONS to "[^"]+", and init would write "/,
    );
  });

  test("--json has them for programs", () => {
    put(shop);
    init();
    put({ "server.js": server(3200) });
    const { differences } = JSON.parse(init(["--json"]).stdout);
    const text = "the configuration says port 3100, and the code 3200";
    expect(differences).toEqual([{ path: configuration, line: lineOf("port: 3100"), text }]);
  });

  test("none differ in a repository that is as it was", () => {
    put(shop);
    init();
    const { stdout } = init();
    expect(stdout).toContain("Nothing to write: every file is as init would write it.");
    expect(JSON.parse(init(["--json"]).stdout).differences).toEqual([]);
  });
});

describe("reports that git would commit", () => {
  test("the folder of the reports is ignored, and nothing else", () => {
    put(shop);
    git("init", "-q");
    expect(init().stdout).toMatch(/^wrote \.gitignore$/m);
    expect(read(".gitignore")).toBe("/reports/\n");
    put({ "reports/integration.xml": "<testsuites/>" });
    git("add", "-A");
    expect(git("ls-files").split("\n")).not.toContain("reports/integration.xml");
    expect(git("ls-files").split("\n")).toContain("server.js");
    expect(init().stdout).toContain("Nothing to write: every file is as init would write it.");
  });

  test("lines that are there stay as they are", () => {
    put({ ...shop, ".gitignore": "node_modules/\n!keep" });
    git("init", "-q");
    expect(init().status).toBe(0);
    expect(read(".gitignore")).toBe("node_modules/\n!keep\n/reports/\n");
  });

  test.each(["reports/\n", "*.xml\n", "/reports\n", "# /reports/\n"])("%j says it already", (text) => {
    put({ ...shop, ".gitignore": text });
    git("init", "-q");
    expect(init().stdout).not.toContain(".gitignore");
    expect(read(".gitignore")).toBe(text);
  });

  test("beside files that are there already it is shown first, as any other file", () => {
    put(shop);
    git("init", "-q");
    put({ ".gitignore": "reports\n" });
    init();
    put({ ".gitignore": "dist\n" });
    const { status, stdout } = init();
    expect(status).toBe(1);
    expect(stdout).toContain("--- .gitignore\n+++ .gitignore, as init would write it\n@@ -1 +1 @@\n dist\n+/reports/\n");
    expect(stdout).not.toContain("what you changed in the workflows is lost");
    expect(read(".gitignore")).toBe("dist\n");
    expect(init(["--overwrite"]).status).toBe(0);
    expect(read(".gitignore")).toBe("dist\n/reports/\n");
  });

  test("a folder with other files in it: the report alone", () => {
    put({ ...shop, "reports/monthly.js": "" });
    git("init", "-q");
    init();
    expect(read(".gitignore")).toBe("/reports/integration.xml\n");
  });

  test("in a package of a monorepo, beside the package", () => {
    put({ "package.json": JSON.stringify({ workspaces: ["packages/*"] }) });
    put(Object.fromEntries(Object.entries(shop).map(([name, text]) => [`packages/shop/${name}`, text])));
    git("init", "-q");
    expect(init(["--yes"], "packages/shop").stdout).toMatch(/^wrote \.gitignore$/m);
    expect(read("packages/shop/.gitignore")).toBe("/reports/\n");
  });
});
