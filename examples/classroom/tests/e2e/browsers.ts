import { existsSync } from "node:fs";
import { chromium, firefox, type LaunchOptions, webkit } from "@playwright/test";

export interface FoundBrowser {
  name: "chrome" | "firefox" | "webkit";
  /** Playwright's name for it. */
  engine: "chromium" | "firefox" | "webkit";
  launch: LaunchOptions;
}

export interface BrowserSearch {
  found: FoundBrowser[];
  /** One line for each missing browser: which one, and how to install it. */
  missing: string[];
}

const usualChromes = [
  "/usr/bin/google-chrome",
  "/usr/bin/google-chrome-stable",
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
  "/Applications/Chromium.app/Contents/MacOS/Chromium",
];

/** Without these, Debian's Chromium spends the first seconds on updates and on detecting a graphics card that doesn't exist. */
const quietChrome = [
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** The browsers of this machine: an installed Chrome or Chromium before Playwright's own; Firefox and WebKit from Playwright. */
export function findBrowsers(env: NodeJS.ProcessEnv): BrowserSearch {
  const found: FoundBrowser[] = [];
  const missing: string[] = [];

  const chrome = findChrome(env.CHROME_PATH);
  // Chrome's sandbox refuses to run as root, the usual user in containers.
  const sandbox = process.getuid?.() === 0 ? ["--no-sandbox"] : [];
  if (chrome)
    found.push({ name: "chrome", engine: "chromium", launch: { executablePath: chrome, args: [...sandbox, ...quietChrome] } });
  else
    missing.push(
      "no Chrome or Chromium is installed: its tests do not run (name one in CHROME_PATH, or: npx playwright install chromium)",
    );

  for (const [name, type] of Object.entries({ firefox, webkit }) as ["firefox" | "webkit", typeof firefox][]) {
    if (existsSync(type.executablePath())) found.push({ name, engine: name, launch: {} });
    else missing.push(`Playwright's ${name} is not installed: its tests do not run (npx playwright install ${name})`);
  }
  return { found, missing };
}

/** @throws Error if CHROME_PATH doesn't exist: using another browser would be unexpected */
function findChrome(named: string | undefined): string | undefined {
  if (named && !existsSync(named)) throw new Error(`CHROME_PATH names no file: ${named}`);
  return named || [...usualChromes, chromium.executablePath()].find(existsSync);
}
