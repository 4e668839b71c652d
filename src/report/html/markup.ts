import type { Verdict } from "../../model/report.ts";
import { htmlText } from "../inert.ts";

/** HTML written by us. Only the files of this folder create it, so that untrusted text is never taken for markup. */
export class Markup {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

export type Content = Markup | string | number | undefined | readonly Content[];

/** A template for HTML: inserts markup unchanged and escapes everything else. Attributes need double quotes. */
export function html(strings: TemplateStringsArray, ...contents: readonly Content[]): Markup {
  return new Markup(strings.map((string, index) => string + render(contents[index])).join(""));
}

function render(content: Content): string {
  if (content === undefined) return "";
  if (content instanceof Markup) return content.text;
  if (typeof content === "string") return htmlText(content);
  if (typeof content === "number") return String(content);
  return content.map(render).join("");
}

export const nothing = new Markup("");

/** Each verdict has its own shape, so it is readable without colour. The word is always shown beside it. */
const shapes: Record<Verdict, string> = {
  passed: `<circle cx="8" cy="8" r="7"/><path d="m4.8 8.3 2.2 2.2 4.3-4.6"/>`,
  degraded: `<path d="M8 1.4 15.2 14H.8Z"/><path d="M8 6v3.6M8 11.6v.1"/>`,
  failed: `<circle cx="8" cy="8" r="7"/><path d="m5.4 5.4 5.2 5.2m0-5.2-5.2 5.2"/>`,
  error: `<path d="M5.1 1h5.8L15 5.1v5.8L10.9 15H5.1L1 10.9V5.1Z"/><path d="M6.2 6.3a1.9 1.9 0 1 1 2.6 1.8c-.5.2-.8.5-.8 1.2M8 11.6v.1"/>`,
  skipped: `<circle cx="8" cy="8" r="7"/><path d="M5 8h6"/>`,
};

export function icon(verdict: Verdict): Markup {
  return new Markup(`<svg class="icon ${verdict}" viewBox="0 0 16 16" aria-hidden="true">${shapes[verdict]}</svg>`);
}

export function pill(verdict: Verdict): Markup {
  return html`<span class="pill ${verdict}">${icon(verdict)}${verdict}</span>`;
}

export function folded(summary: Content, content: Content, open = false): Markup {
  return html`<details class="fold"${open ? html` open` : nothing}><summary>${summary}</summary><div class="folded">${content}</div></details>\n`;
}

export function code(text: string | undefined): Markup {
  return text === undefined || text === "" ? nothing : html`<code>${text}</code>`;
}

/** For texts that may be long. Keyboard users must be able to focus it to scroll. */
export function preformatted(text: Content, label: string): Markup {
  return html`<pre class="scrolled" tabindex="0" role="group" aria-label="${label}">${text}</pre>`;
}
