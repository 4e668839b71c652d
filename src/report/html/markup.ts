import { htmlText } from "../inert.ts";

/** HTML written by us. Only this file creates it, so that untrusted text is never taken for markup. */
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
