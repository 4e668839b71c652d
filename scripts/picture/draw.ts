import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";
import { readTools } from "../tools.ts";
import { digestOf, stamped } from "./stamp.ts";

/**
 * Draws docs/summary.png: the summary of a failed gate as GitHub shows it. markdown-it and the emoji font are installed separately,
 * because nothing else needs them. Exit status 77: they cannot be installed here.
 */

const folder = import.meta.dirname;
const root = join(folder, "..", "..");
const source = join(root, "test", "fixtures", "summaries", "failed.md");
const target = join(root, "docs", "summary.png");
const width = 1_000;
/** The first screen and a bit, which is what people see before they scroll. */
const height = 1_240;

async function draw(): Promise<number> {
  if (!existsSync(join(folder, "node_modules", "markdown-it"))) {
    const { status, stderr } = spawnSync("npm", ["ci", "--ignore-scripts", "--loglevel=error"], {
      cwd: folder,
      encoding: "utf8",
      shell: process.platform === "win32",
      timeout: 180_000,
    });
    if (status !== 0) {
      console.log(`markdown-it cannot be installed here: ${stderr.trim().split("\n").at(-1)}`);
      return 77;
    }
  }
  const markdown = readFileSync(source, "utf8");
  const work = mkdtempSync(join(tmpdir(), "picture-"));
  const browser = await chromium.launch({ executablePath: readTools(root).chrome, args: ["--no-sandbox"] });
  try {
    const file = join(work, "summary.html");
    writeFileSync(file, await pageOf(markdown));
    const page = await browser.newPage({ viewport: { width, height }, deviceScaleFactor: 1.5 });
    await page.goto(pathToFileURL(file).href);
    // Text that was laid out before the font was there would keep its empty boxes.
    await page.evaluate("Promise.all([...document.fonts].map((font) => font.load()))");
    await page.evaluate("document.body.append(document.querySelector('template').content)");
    writeFileSync(target, stamped(await page.screenshot(), digestOf(markdown)));
  } finally {
    await browser.close();
    rmSync(work, { recursive: true });
  }
  console.log(`drew ${target}`);
  return 0;
}

async function pageOf(markdown: string): Promise<string> {
  const from = createRequire(join(folder, "package.json"));
  const { default: MarkdownIt } = (await import(pathToFileURL(from.resolve("markdown-it")).href)) as {
    default: new (options: { html: boolean }) => { render(markdown: string): string };
  };
  const html = new MarkdownIt({ html: true }).render(markdown);
  return `<!doctype html><meta charset="utf-8"><style>${emojiFont(from.resolve("@infolektuell/noto-color-emoji/index.css"))}${style}</style><template>${html}</template>`;
}

/** As data, because a page of a file may not load fonts from other folders. */
function emojiFont(css: string): string {
  return readFileSync(css, "utf8").replace(/url\(["']?(?:\.\/)?([^)"']+\.woff2)["']?\)/g, (_, file: string) => {
    return `url(data:font/woff2;base64,${readFileSync(join(dirname(css), file)).toString("base64")})`;
  });
}

/** GitHub's look, as far as a summary uses it. */
const style = `
body { font: 14px/1.5 system-ui, "Segoe UI", Helvetica, Arial, "Noto Sans", sans-serif, "Noto Color Emoji"; color: #1f2328; margin: 0; padding: 16px 32px; }
h1, h2 { border-bottom: 1px solid #d1d9e0b3; padding-bottom: 0.3em; font-weight: 600; margin: 24px 0 16px; line-height: 1.25; }
h1 { font-size: 2em; } h2 { font-size: 1.5em; } h3 { font-size: 1.25em; } h4 { font-size: 1em; }
h3, h4 { font-weight: 600; margin: 24px 0 16px; line-height: 1.25; }
p, table, pre, ul, details, blockquote { margin: 0 0 16px; }
table { border-collapse: collapse; display: block; width: max-content; max-width: 100%; overflow: auto; }
th, td { border: 1px solid #d1d9e0; padding: 6px 13px; }
tr:nth-child(2n) { background: #f6f8fa; }
code { background: #818b981f; border-radius: 6px; padding: 0.2em 0.4em; font: 85% ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", monospace; }
pre { background: #f6f8fa; border-radius: 6px; padding: 16px; overflow: auto; line-height: 1.45; }
pre code { background: none; padding: 0; }
`;

process.exitCode = await draw();
