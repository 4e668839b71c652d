import { createHash } from "node:crypto";
import { existsSync, readFileSync, realpathSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { run } from "./command.mjs";
import { SetupFailure } from "./context.mjs";
import { pathOutside } from "./lookup.mjs";

const installDeadlineMs = 600_000;
const repairDeadlineMs = 180_000;
const versionDeadlineMs = 10_000;

/**
 * Installs the packages of package-lock.json, unless they are there: the last install was ours with the same lock file on the same
 * kind of machine, or npm's own list in node_modules has all that this machine needs of the lock file.
 * @param {import("./context.mjs").Context} context
 * @throws {SetupFailure}
 */
export async function dependencies(context) {
  const stamp = join(context.root, "node_modules", ".set-up");
  const wanted = `${context.platform} ${process.arch} ${sha256(join(context.root, "package-lock.json"))}\n`;
  const reason = whyInstall(stamp, wanted);
  if (reason === undefined) return;
  if (isInstalled(context)) {
    writeFileSync(stamp, wanted);
    return;
  }
  context.say(`${reason}: installing the dependencies (npm ci), which may take a minute`);
  const installed = await npm(context, "ci", installDeadlineMs);
  if (!installed.ok) throw new SetupFailure(`the dependencies could not be installed: ${installed.why}\n  Type: npm ci`);
  writeFileSync(stamp, wanted);
}

function whyInstall(stamp, wanted) {
  if (!existsSync(join(stamp, ".."))) return "node_modules is missing";
  if (!existsSync(stamp)) return "node_modules was not installed by the set-up";
  return readFileSync(stamp, "utf8") === wanted ? undefined : "package-lock.json changed since the last install";
}

/**
 * Whether somebody ran `npm ci` or `npm install` with this lock file. npm writes its list at the end, so an interrupted install has
 * none.
 */
function isInstalled({ root, platform }) {
  const [wanted, there] = ["package-lock.json", join("node_modules", ".package-lock.json")].map((file) =>
    packagesOf(join(root, file)),
  );
  if (wanted === undefined || there === undefined) return false;
  return Object.entries(wanted).every(([path, entry]) => {
    if (path === "" || (entry.link !== true && !path.includes("node_modules/"))) return true;
    const found = there[path];
    if (found === undefined) return entry.optional === true && !isFor(entry, platform);
    return found.version === entry.version && found.integrity === entry.integrity;
  });
}

function packagesOf(file) {
  try {
    return JSON.parse(readFileSync(file, "utf8")).packages;
  } catch (error) {
    if (error.code === "ENOENT" || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/**
 * Whether npm would install an optional package here. One that names no system is needed by another optional one. Which C library a
 * machine has is not asked: of two packages for it, npm installed one.
 */
function isFor({ os, cpu, libc }, platform) {
  if (os === undefined && cpu === undefined) return false;
  const fits = (list, value) =>
    list === undefined ||
    list.includes("any") ||
    (!list.includes(`!${value}`) && (list.includes(value) || list.every((one) => one.startsWith("!"))));
  return libc === undefined && fits(os, platform) && fits(cpu, process.arch);
}

/**
 * Makes sure that node_modules/.bin/node is the version in package.json, because npm scripts run on it. The npm package `node`
 * downloads its program in an install script, and npm may be configured not to run those.
 * @param {import("./context.mjs").Context} context
 * @throws {SetupFailure}
 */
export async function ownNode(context) {
  const manifest = JSON.parse(readFileSync(join(context.root, "package.json"), "utf8"));
  const major = `v${manifest.devDependencies.node.split(".")[0]}.`;
  const folder = join(context.root, "node_modules", "node");
  if (isRunningOn(folder) && process.version.startsWith(major)) return;

  const first = await versionOf(context);
  if (first.startsWith(major)) return;
  context.say(`node_modules/.bin/node is not node ${major.slice(1, -1)}: running the install script of the npm package node`);
  const rebuilt = await npm(context, "rebuild node", repairDeadlineMs);
  if ((await versionOf(context)).startsWith(major)) return;
  const direct = await run(context, "node-install", ["node", "installArchSpecificPackage"], {
    deadlineMs: repairDeadlineMs,
    cwd: folder,
    env: { PATH: pathOutside(context) },
  });
  const last = await versionOf(context);
  if (last.startsWith(major)) return;
  const said = [rebuilt, direct].filter((attempt) => !attempt.ok).map((attempt) => attempt.why);
  throw new SetupFailure(
    [
      `node_modules/.bin/node should be node ${major.slice(1, -1)}, but ${last}`,
      ...said,
      "  Type: (cd node_modules/node && node installArchSpecificPackage)",
    ].join("\n"),
  );
}

/** Once node_modules/.bin/node exists, npm runs the set-up on it, so we know its version without starting it. */
function isRunningOn(folder) {
  return existsSync(folder) && realpathSync(process.execPath).startsWith(realpathSync(folder));
}

async function versionOf(context) {
  const program = join(context.root, "node_modules", ".bin", "node");
  const asked = await run(context, "node-version", [program, "--version"], { deadlineMs: versionDeadlineMs });
  return asked.ok ? asked.output.trim() : asked.why;
}

function npm(context, task, deadlineMs) {
  // Hides warnings: they come from packages that need the Node version being installed.
  return run(context, `npm-${task.replace(" ", "-")}`, ["npm", ...task.split(" "), "--loglevel=error"], {
    deadlineMs,
    env: { PATH: pathOutside(context) },
  });
}

function sha256(file) {
  return createHash("sha256").update(readFileSync(file)).digest("hex");
}
