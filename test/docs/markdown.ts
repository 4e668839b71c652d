import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** What the tests of the documentation read from Markdown. */

export const repository = join(import.meta.dirname, "../..");

/** Every page that people read, relative to the repository, with `/`. */
export const pages = globSync(["*.md", "docs/**/*.md"], { cwd: repository })
  .map((path) => path.replaceAll("\\", "/"))
  .sort();

export function textOf(page: string): string {
  return readFileSync(join(repository, page), "utf8");
}

export interface Block {
  /** Such as `docs/trust.md:91`, the first line inside the fence. */
  place: string;
  page: string;
  text: string;
}

/** The fenced blocks of a language, with what indents them taken away. */
export function blocks(page: string, language: string): Block[] {
  const text = textOf(page);
  return [...text.matchAll(/^([ \t]*)```(\S*)[^\n]*\n(.*?)^[ \t]*```/gms)]
    .filter(([, , found]) => found === language)
    .map(({ 0: whole, 1: indent = "", 3: content = "", index }) => ({
      place: `${page}:${text.slice(0, index + whole.indexOf("```")).split("\n").length + 1}`,
      page,
      text: content.replaceAll(new RegExp(`^${indent}`, "gm"), ""),
    }));
}

/** Where a page's links lead, outside of code. */
export function linksOf(page: string): string[] {
  const prose = withoutBlocks(textOf(page)).replaceAll(/`[^`\n]*`/g, (code) => "`".repeat(code.length));
  return [
    ...[...prose.matchAll(/\]\(([^()\s]*(?:\([^()\s]*\))?[^()\s]*)(?:\s+"[^"]*")?\)/g)].map(([, target = ""]) => target),
    ...[...prose.matchAll(/^\[[^\]]+\]:\s*(\S+)/gm)].map(([, target = ""]) => target),
    ...[...prose.matchAll(/<(?:a|img)\s[^>]*(?:href|src)="([^"]*)"/g)].map(([, target = ""]) => target),
  ];
}

/** The anchors that GitHub gives to a page's headings; what is there twice gets a number. */
export function anchorsOf(page: string): Set<string> {
  const seen = new Map<string, number>();
  return new Set(
    [...withoutBlocks(textOf(page)).matchAll(/^#{1,6}\s+(.+?)\s*#*$/gm)].map(([, heading = ""]) => {
      const slug = slugOf(heading);
      const before = seen.get(slug) ?? 0;
      seen.set(slug, before + 1);
      return before === 0 ? slug : `${slug}-${before}`;
    }),
  );
}

/** The anchor that GitHub gives to a heading. The site uses it, too. */
export function slugOf(heading: string): string {
  return heading
    .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, "$1")
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\p{M}_\- ]/gu, "")
    .replaceAll(" ", "-");
}

function withoutBlocks(text: string): string {
  return text.replaceAll(/^([ \t]*)```.*?^[ \t]*```/gms, "");
}
