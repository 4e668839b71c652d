import { join } from "node:path";
import { run } from "./command.mjs";
import { findOnPath, isExecutable } from "./lookup.mjs";
import { firstOf } from "./sources.mjs";

const downloadDeadlineMs = 300_000;
const connectDeadlineMs = 10_000;
const proofDeadlineMs = 20_000;

/**
 * @param {import("./context.mjs").Context} context
 * @param {import("./apt.mjs").Apt} apt
 * @param {string | undefined} earlier the browser that an earlier set-up found or downloaded
 * @returns {Promise<string>} the path of a Chrome or Chromium
 * @throws {import("./context.mjs").SetupFailure}
 */
export async function chrome(context, apt, earlier) {
  return await firstOf(
    "Chrome or Chromium",
    [
      { name: "CHROME_PATH", get: async () => chosen(context) },
      { name: "installed", get: async () => found(installed(context), "none in the usual places") },
      {
        name: "earlier download",
        get: async () => found(earlier !== undefined && isExecutable(earlier) ? earlier : undefined, "none"),
      },
      { name: "Playwright", get: () => download(context) },
      { name: "apt", get: () => debianPackage(context, apt) },
    ],
    ["sudo apt-get install -y chromium", "npx playwright install --with-deps chromium", "export CHROME_PATH=/path/to/chrome"],
  );
}

function found(path, why) {
  return path === undefined ? { why } : { path };
}

function chosen(context) {
  const path = context.env.CHROME_PATH;
  if (path === undefined || path === "") return { why: "not set" };
  if (isExecutable(path)) return { path };
  context.say(`CHROME_PATH names ${path}, which is no program: looking elsewhere`);
  return { why: `${path} is no program` };
}

/**
 * @param {import("./context.mjs").Context} context
 * @returns {string | undefined}
 */
function installed(context) {
  if (context.platform === "darwin") {
    const folders = ["/Applications", join(context.env.HOME ?? "/", "Applications")];
    const names = ["Google Chrome", "Chromium"];
    return folders
      .flatMap((folder) => names.map((name) => join(folder, `${name}.app/Contents/MacOS/${name}`)))
      .find(isExecutable);
  }
  if (context.platform === "win32") {
    const { ProgramFiles, LOCALAPPDATA } = context.env;
    const folders = [ProgramFiles, context.env["ProgramFiles(x86)"], LOCALAPPDATA].filter((folder) => folder !== undefined);
    const names = ["Google/Chrome", "Chromium"];
    return folders.flatMap((folder) => names.map((name) => join(folder, name, "Application", "chrome.exe"))).find(isExecutable);
  }
  // chromium-browser comes last: on Ubuntu it may be a script that only reports the missing snap.
  const names = ["google-chrome-stable", "google-chrome", "chromium", "chromium-browser"];
  return findOnPath(context, names) ?? ["/opt/google/chrome/chrome", "/snap/bin/chromium"].find(isExecutable);
}

async function download(context) {
  const playwright = join(context.root, "node_modules", "playwright-core", "cli.js");
  context.say("no Chrome or Chromium is installed: downloading Playwright's (npx playwright install chromium)");
  const downloaded = await run(context, "playwright", [process.execPath, playwright, "install", "chromium"], {
    deadlineMs: downloadDeadlineMs,
    env: { PLAYWRIGHT_DOWNLOAD_CONNECTION_TIMEOUT: String(connectDeadlineMs) },
  });
  if (!downloaded.ok) return { why: downloaded.why };
  const ask = 'process.stdout.write(require("playwright-core").chromium.executablePath())';
  const asked = await run(context, "playwright-path", [process.execPath, "-e", ask], { deadlineMs: proofDeadlineMs });
  return asked.ok ? await proven(context, asked.output) : { why: asked.why };
}

async function debianPackage(context, apt) {
  const why = await apt.install("chromium", "Playwright's browser cannot be had");
  if (why !== undefined) return { why };
  const path = installed(context);
  return path === undefined ? { why: "installed, but it is not on the PATH" } : await proven(context, path);
}

/** A new browser may lack system libraries, or be Ubuntu's placeholder for a snap. Only a test start shows that. */
async function proven(context, path) {
  const started = await run(context, "browser-version", [path, "--version"], { deadlineMs: proofDeadlineMs });
  return started.ok ? { path } : { why: started.why };
}
