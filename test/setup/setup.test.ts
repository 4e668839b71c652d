import { spawn } from "node:child_process";
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readTools } from "../../scripts/tools.ts";

// Each test starts processes, on a machine that may run other tests at the same time.

/**
 * The real set-up, as a separate process, in a folder that looks like the repository. Each test decides which programs are on the PATH.
 * The programs that change the machine (apt-get, sudo, brew, npm) are scripts that record how they were called.
 */

const repository = join(import.meta.dirname, "..", "..");
const setup = join("scripts", "setup", "main.mjs");
const isLinux = process.platform === "linux";

let root: string;
let bin: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "set-up-"));
  bin = join(root, "bin");
  mkdirSync(bin);
  cpSync(join(repository, "scripts", "setup"), join(root, "scripts", "setup"), { recursive: true });
  writeFileSync(join(root, "package.json"), '{ "type": "module", "devDependencies": { "node": "24.0.0" } }');
  writeFileSync(join(root, "package-lock.json"), "{}");
  // Programs that shell scripts need.
  for (const name of ["sh", "env", "chmod", "mkdir"]) symlinkSync(`/bin/${name}`, join(bin, name));
});

afterEach(() => rmSync(root, { recursive: true, force: true }));

/** Puts a program on the PATH that records its call and then runs `script`, with `$bin` and `$root`. */
function program(name: string, script = ""): void {
  const file = join(bin, name);
  writeFileSync(file, `#!/bin/sh\nroot='${root}' bin='${bin}'\necho "${name} $*" >>"$root/calls"\n${script}\n`);
  chmodSync(file, 0o755);
}

const puts = (name: string) => `printf '#!/bin/sh\\necho "${name} 1.0"\\n' >"$bin/${name}"; chmod +x "$bin/${name}"`;

function calls(): string[] {
  const file = join(root, "calls");
  return existsSync(file) ? readFileSync(file, "utf8").trimEnd().split("\n") : [];
}

async function setUp(only: string, env: Record<string, string> = {}) {
  const child = spawn(process.execPath, [setup, "--only", only], { cwd: root, env: { PATH: bin, HOME: root, ...env } });
  const [stdout, stderr, status] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    new Promise<number | null>((resolve) => child.on("close", resolve)),
  ]);
  return { stdout, stderr, status };
}

function tools(): Record<string, string> {
  return JSON.parse(readFileSync(join(root, ".cache", "tools.json"), "utf8"));
}

describe("if everything is installed", () => {
  it("prints nothing, starts nothing, and stores the paths that it found", async () => {
    program("redis-server");
    program("google-chrome");
    expect(await setUp("redis,browser")).toEqual({ stdout: "", stderr: "", status: 0 });
    expect(calls()).toEqual([]);
    expect(readTools(root)).toEqual({ redisServer: join(bin, "redis-server"), chrome: join(bin, "google-chrome") });
  });

  it("uses valkey-server if there is no redis-server", async () => {
    program("valkey-server");
    expect((await setUp("redis")).status).toBe(0);
    expect(tools()).toEqual({ redisServer: join(bin, "valkey-server") });
  });

  it("prefers the browser that CHROME_PATH names, and reports if that is no program", async () => {
    program("google-chrome");
    program("my-chrome");
    await setUp("browser", { CHROME_PATH: join(bin, "my-chrome") });
    expect(tools()).toEqual({ chrome: join(bin, "my-chrome") });

    const wrong = await setUp("browser", { CHROME_PATH: join(bin, "nothing") });
    expect(wrong.stdout).toContain("CHROME_PATH names");
    expect(tools()).toEqual({ chrome: join(bin, "google-chrome") });
  });

  it("keeps a browser that an earlier set-up downloaded, and searches again if it was removed", async () => {
    program("downloaded");
    mkdirSync(join(root, ".cache"));
    writeFileSync(join(root, ".cache", "tools.json"), JSON.stringify({ chrome: join(bin, "downloaded") }));
    const outside = ["/opt/google/chrome/chrome", "/snap/bin/chromium"].some(existsSync);
    expect((await setUp("browser")).status).toBe(0);
    if (!outside) expect(tools().chrome).toBe(join(bin, "downloaded"));
    rmSync(join(bin, "downloaded"));
    program("chromium");
    await setUp("browser");
    expect(tools().chrome).toBe(join(bin, "chromium"));
  });
});

describe.runIf(isLinux)("a missing redis-server", () => {
  const asRoot = process.getuid?.() === 0;
  /** Root calls apt-get directly; others use sudo, which here just runs its arguments. */
  const prepare = (aptGet: string) => {
    program("apt-get", aptGet);
    if (!asRoot) program("sudo", '[ "$1" = -n ] && shift; exec "$@"');
  };
  const aptCalls = () =>
    calls()
      .filter((call) => call.startsWith("apt-get"))
      .map((call) => call.replace(/ -o \S+/g, ""));

  it("is installed from the Debian package", async () => {
    prepare(puts("redis-server"));
    const result = await setUp("redis");
    expect(result.status).toBe(0);
    expect(result.stdout).toContain("no redis-server on the PATH: installing Debian's package redis-server");
    expect(aptCalls()).toEqual(["apt-get install -y --no-install-recommends redis-server"]);
    expect(tools()).toEqual({ redisServer: join(bin, "redis-server") });
  });

  it("is installed after apt-get update if the package lists are missing", async () => {
    prepare(`case "$*" in *update*) : >"$root/lists";; *) [ -f "$root/lists" ] || exit 100; ${puts("redis-server")};; esac`);
    expect((await setUp("redis")).status).toBe(0);
    expect(aptCalls()).toEqual([
      "apt-get install -y --no-install-recommends redis-server",
      "apt-get update",
      "apt-get install -y --no-install-recommends redis-server",
    ]);
  });

  it("is installed by Homebrew if apt-get fails", async () => {
    prepare("exit 100");
    program("brew", puts("redis-server"));
    expect((await setUp("redis")).status).toBe(0);
    expect(calls().at(-1)).toBe("brew install redis");
  });

  it("is compiled by the npm package if there is neither, and only once", async () => {
    const compiled =
      'const f=process.env.REDISMS_DOWNLOAD_DIR+"/"+process.env.REDISMS_VERSION;require("fs").mkdirSync(f,{recursive:true});';
    const script = `${compiled}require("fs").writeFileSync(f+"/redis-server","#!/bin/sh",{mode:0o755})`;
    program(
      "npm",
      `d="$3/node_modules/redis-memory-server/scripts"; mkdir -p "$d"; cat >"$d/postinstall.js" <<'E'\n${script}\nE`,
    );
    symlinkSync("/bin/cat", join(bin, "cat"));
    const first = await setUp("redis");
    expect(first).toMatchObject({ status: 0, stderr: "" });
    expect(calls()).toEqual([expect.stringMatching(/^npm install .*redis-memory-server@\d/)]);
    expect(tools().redisServer).toMatch(/\.cache\/redis\/[\d.]+\/redis-server$/);
    expect(await setUp("redis")).toEqual({ stdout: "", stderr: "", status: 0 });
    expect(calls()).toHaveLength(1);
  });

  it("that cannot be installed: the message lists the attempts, the log, and the command to type", async () => {
    prepare('echo "E: Unable to fetch some archives"; exit 100');
    program("npm", 'echo "npm error code ENOTFOUND"; exit 1');
    const { status, stderr } = await setUp("redis");
    expect(status).toBe(1);
    expect(stderr).toContain("E: Unable to fetch some archives");
    expect(stderr).toContain("npm error code ENOTFOUND");
    expect(stderr).toContain("Homebrew: brew is not here");
    expect(stderr).toMatch(/Type one of these.*\n {4}sudo apt-get install -y redis-server\n/);
    expect(() => readTools(root)).toThrow("run node scripts/setup/main.mjs");
  });
});

describe.runIf(isLinux && !["/opt/google/chrome/chrome", "/snap/bin/chromium"].some(existsSync))("a missing browser", () => {
  /** A Playwright whose install command runs `script`; `$PWD` is the root. */
  const playwright = (script: string) => {
    const folder = join(root, "node_modules", "playwright-core");
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "cli.js"), script);
    const path = JSON.stringify(join(bin, "playwright-chrome"));
    writeFileSync(join(folder, "index.js"), `exports.chromium = { executablePath: () => ${path} };`);
  };
  const downloads = (chrome: string) =>
    `require("fs").writeFileSync(${JSON.stringify(join(bin, "playwright-chrome"))}, ${JSON.stringify(chrome)}, { mode: 0o755 })`;

  it("is downloaded by Playwright, and used only if it starts", async () => {
    playwright(downloads("#!/bin/sh\necho Chromium 1"));
    const result = await setUp("browser");
    expect(result).toMatchObject({ status: 0, stderr: "" });
    expect(result.stdout).toContain("downloading Playwright's");
    expect(tools()).toEqual({ chrome: join(bin, "playwright-chrome") });
  });

  it("is installed from the Debian package if Playwright's lacks system libraries; if that fails too, both failures are reported", async () => {
    playwright(downloads("#!/bin/sh\necho 'libnss3.so: cannot open shared object file'; exit 127"));
    program("apt-get", `[ -f "$root/broken" ] && exit 100; ${puts("chromium")}`);
    program("sudo", '[ "$1" = -n ] && shift; exec "$@"');
    writeFileSync(join(root, "broken"), "");
    const failed = await setUp("browser");
    expect(failed.status).toBe(1);
    expect(failed.stderr).toContain("libnss3.so: cannot open shared object file");
    expect(failed.stderr).toContain("sudo apt-get install -y chromium");

    rmSync(join(root, "broken"));
    expect((await setUp("browser")).status).toBe(0);
    expect(tools()).toEqual({ chrome: join(bin, "chromium") });
  });

  it("and a missing Redis are reported in the same run", async () => {
    playwright("process.exit(1)");
    program("npm", "exit 1");
    const { stderr } = await setUp("redis,browser");
    expect(stderr).toContain("no redis-server is here");
    expect(stderr).toContain("no Chrome or Chromium is here");
  });
});

describe("the dependencies", () => {
  const npm = 'mkdir -p "$PWD/node_modules"';

  it("are installed only if node_modules is missing or package-lock.json changed", async () => {
    program("npm", npm);
    expect((await setUp("dependencies")).stdout).toContain("node_modules is missing");
    expect(await setUp("dependencies")).toEqual({ stdout: "", stderr: "", status: 0 });
    writeFileSync(join(root, "package-lock.json"), '{ "changed": true }');
    expect((await setUp("dependencies")).stdout).toContain("package-lock.json changed");
    expect(calls()).toEqual(["npm ci --loglevel=error", "npm ci --loglevel=error"]);
  });

  describe("that somebody installed with npm ci", () => {
    const other = process.platform === "linux" ? "darwin" : "linux";
    const wanted = {
      "": { name: "us" },
      "examples/classroom": { version: "1.0.0" },
      "node_modules/classroom": { resolved: "examples/classroom", link: true },
      "node_modules/a": { version: "1.0.0", integrity: "sha512-a" },
      "node_modules/fast": {
        version: "1.0.0",
        integrity: "sha512-f",
        optional: true,
        os: [process.platform],
        cpu: [process.arch],
      },
      "node_modules/foreign": { version: "1.0.0", integrity: "sha512-o", optional: true, os: [other] },
      "node_modules/of-foreign": { version: "1.0.0", integrity: "sha512-g", optional: true },
    };
    type Packages = Record<string, object | undefined>;
    const { "": _root, "node_modules/foreign": _foreign, "node_modules/of-foreign": _of, ...complete } = wanted;

    const installed = (packages: Packages): void => {
      program("npm", npm);
      mkdirSync(join(root, "node_modules"));
      writeFileSync(join(root, "package-lock.json"), JSON.stringify({ packages: wanted }));
      writeFileSync(join(root, "node_modules", ".package-lock.json"), JSON.stringify({ packages }));
    };

    it("are left alone, also the next time", async () => {
      installed(complete);
      for (const _ of [1, 2]) expect(await setUp("dependencies")).toEqual({ stdout: "", stderr: "", status: 0 });
      expect(calls()).toEqual([]);
    });

    it.each<[string, Packages]>([
      ["a package is missing", { "node_modules/a": undefined }],
      ["a link is missing", { "node_modules/classroom": undefined }],
      ["an optional package for this machine is missing", { "node_modules/fast": undefined }],
      ["a version is another one", { "node_modules/a": { version: "1.0.1", integrity: "sha512-a" } }],
      ["a package has other content", { "node_modules/a": { version: "1.0.0", integrity: "sha512-b" } }],
    ])("are installed if %s", async (_, changes) => {
      installed({ ...complete, ...changes });
      expect((await setUp("dependencies")).status).toBe(0);
      expect(calls()).toEqual(["npm ci --loglevel=error"]);
    });

    it("are installed if npm's list is cut off", async () => {
      installed({});
      writeFileSync(join(root, "node_modules", ".package-lock.json"), '{ "packages": {');
      await setUp("dependencies");
      expect(calls()).toEqual(["npm ci --loglevel=error"]);
    });
  });

  it("are installed again after a failed install", async () => {
    program("npm", `${npm}; echo "npm error code EINTEGRITY"; exit 1`);
    const { status, stderr } = await setUp("dependencies,redis");
    expect(status).toBe(1);
    expect(stderr).toContain("npm error code EINTEGRITY");
    expect(stderr).toContain("Type: npm ci");
    expect(calls()).toEqual(["npm ci --loglevel=error"]);
    program("npm", npm);
    expect((await setUp("dependencies")).status).toBe(0);
    expect(calls()).toHaveLength(2);
  });

  it("are not installed by the node that the install would delete", async () => {
    const own = join(root, "node_modules", ".bin");
    mkdirSync(own, { recursive: true });
    writeFileSync(join(own, "npm"), '#!/bin/sh\necho "the wrong npm"; exit 1');
    chmodSync(join(own, "npm"), 0o755);
    program("npm");
    expect(await setUp("dependencies", { PATH: `${own}:${bin}` })).toMatchObject({ status: 0, stderr: "" });
  });
});

describe("node", () => {
  const own = () => join(root, "node_modules", ".bin", "node");
  const writeNode = (version: string) =>
    `mkdir -p node_modules/.bin; printf '#!/bin/sh\\necho ${version}\\n' >node_modules/.bin/node; chmod +x node_modules/.bin/node`;

  it("is not changed if its version is right", async () => {
    mkdirSync(join(root, "node_modules", ".bin"), { recursive: true });
    writeFileSync(own(), "#!/bin/sh\necho v24.9.0");
    chmodSync(own(), 0o755);
    expect(await setUp("node")).toEqual({ stdout: "", stderr: "", status: 0 });
  });

  it("is rebuilt if npm did not run its install script", async () => {
    program("npm", writeNode("v24.0.0"));
    const result = await setUp("node");
    expect(result.status).toBe(0);
    expect(result.stdout).toContain("running the install script of the npm package node");
    expect(calls()).toEqual(["npm rebuild node --loglevel=error"]);
  });

  it("is installed by its script if npm refuses to run the script", async () => {
    mkdirSync(join(root, "node_modules", "node"), { recursive: true });
    program("npm");
    program("node", `cd "$root"; ${writeNode("v24.0.0")}`);
    expect((await setUp("node")).status).toBe(0);
    expect(calls()).toEqual(["npm rebuild node --loglevel=error", "node installArchSpecificPackage"]);
  });

  it("whose version stays wrong is reported, with the command to type", async () => {
    mkdirSync(join(root, "node_modules", "node"), { recursive: true });
    program("npm", writeNode("v20.0.0"));
    program("node", "exit 1");
    const { status, stderr } = await setUp("node");
    expect(status).toBe(1);
    expect(stderr).toContain("should be node 24, but v20.0.0");
    expect(stderr).toContain("Type: (cd node_modules/node");
  });
});

it("an unknown step is an error", async () => {
  const { status, stderr } = await setUp("redis,brwoser");
  expect(status).toBe(1);
  expect(stderr).toContain("not brwoser");
});
