import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { type DefaultTheme, defineConfig } from "vitepress";
import { pages, repository, slugOf } from "../../test/docs/markdown.ts";

/**
 * The site of the documentation, made from the same Markdown files that GitHub shows. Links are written for GitHub: what is no page of
 * the site leads to the repository, and a link to a page that does not exist fails the build.
 */

const onGitHub = "https://github.com/classwaves/env-actions";
const home = "README.md";

/** Everything but `docs`: examples and tests have Markdown files of their own. */
const otherFolders = readdirSync(repository, { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && entry.name !== "docs")
  .map(({ name }) => name);

/** @returns where the link of a page leads on the site */
function linkOnSite(link: string, page: string): string {
  if (/^[a-z][a-z0-9+.-]*:|^#/i.test(link)) return link;
  const [path = "", anchor] = link.split("#");
  const file = normalize(join(dirname(page), decodeURI(path))).replaceAll("\\", "/");
  const hash = anchor === undefined ? "" : `#${anchor}`;
  if (pages.includes(file)) return `/${file === home ? "index.md" : file}${hash}`;
  if (!existsSync(join(repository, file))) throw new Error(`${page}: the link ${link} leads to ${file}, which does not exist`);
  return `${onGitHub}/blob/main/${file}${hash}`;
}

/** The table "Read on" of the README, a group for each of its rows. */
function sidebar(): DefaultTheme.SidebarItem[] {
  const [, table = ""] = readFileSync(join(repository, home), "utf8").split("## Read on");
  const groups = [...table.matchAll(/^\| ([^|\n]*[a-z][^|\n]*) \| (.+) \|$/gm)].map(([, text, links = ""]) => ({
    text,
    items: [...links.matchAll(/\[([^\]]+)\]\(([^)]+)\)/g)].map(([, name = "", link = ""]) => ({
      text: name,
      link: linkOnSite(link, home).replace(/\.md\b/, ""),
    })),
  }));
  if (groups.length === 0) throw new Error(`${home} has no table under "## Read on", from which the sidebar is made`);
  return groups;
}

export default defineConfig({
  title: "env-actions",
  description: "GitHub Actions that make a shared environment safe to test in",
  base: "/env-actions/",
  srcDir: repository,
  srcExclude: otherFolders.map((folder) => `${folder}/**`),
  rewrites: { [home]: "index.md" },
  outDir: join(repository, ".cache", "site"),
  cacheDir: join(repository, ".cache", "site-cache"),
  cleanUrls: true,
  // The pages have no date of their own, and a build of the same files makes the same site.
  lastUpdated: false,
  ignoreDeadLinks: false,
  markdown: {
    // The anchors that GitHub gives, so that a link to a heading works in both places.
    anchor: { slugify: slugOf },
    config(md) {
      // `${{ secrets.X }}` in a sentence is a text, not an expression of Vue.
      md.renderer.rules.code_inline = (tokens, index) =>
        `<code v-pre>${md.utils.escapeHtml(tokens[index]?.content ?? "")}</code>`;
      md.core.ruler.push("links-for-the-site", (state) => {
        const page = String(state.env.relativePath).replace(/^index\.md$/, home);
        for (const token of state.tokens.flatMap(({ children }) => children ?? [])) {
          const link = token.attrGet("href");
          if (token.type === "link_open" && link !== null) token.attrSet("href", linkOnSite(link, page));
        }
      });
    },
  },
  themeConfig: {
    nav: [{ text: "GitHub", link: onGitHub }],
    sidebar: sidebar(),
    outline: [2, 3],
    search: { provider: "local" },
  },
});
