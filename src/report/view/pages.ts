/** A whole page of HTML, as servers send it with an error. */
const start = /<(?:!doctype\s+html|html)\b/i;
const end = /<\/html\s*>/i;

/** More in one text are left as they are. */
const mostPages = 100;
const longestTitle = 120;

/**
 * Replaces each page of HTML in a text by one line with its title, because the markup says nothing: `an HTML page: 404 Not Found`.
 */
export function pageAsLine(text: string): string {
  let done = "";
  let rest = text;
  for (let pages = 0; pages < mostPages; pages++) {
    const from = rest.search(start);
    if (from < 0) break;
    const page = rest.slice(from);
    const stop = end.exec(page);
    done += `${rest.slice(0, from)}${lineOf(stop ? page.slice(0, stop.index) : page)}`;
    rest = stop ? page.slice(stop.index + stop[0].length) : "";
  }
  return done + rest;
}

function lineOf(markup: string): string {
  const title = titleOf(markup);
  return title === "" ? "an HTML page" : `an HTML page: ${title}`;
}

/** The title, or else the first heading. */
function titleOf(markup: string): string {
  for (const tag of ["title", "h1", "h2"]) {
    const open = markup.search(new RegExp(`<${tag}\\b`, "i"));
    if (open < 0) continue;
    const begin = markup.indexOf(">", open) + 1;
    const close = markup.indexOf("<", begin);
    const text = begin === 0 ? "" : markup.slice(begin, close < 0 ? undefined : close);
    const words = text.slice(0, 1_000).replace(/\s+/g, " ").trim();
    if (words !== "") return words.slice(0, longestTitle);
  }
  return "";
}
