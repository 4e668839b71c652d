import { htmlText } from "../inert.ts";

/** HTML that we wrote ourselves. Only this file makes it, so that nothing untrusted can pass for it. */
export class Markup {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

export type Content = Markup | string | number | undefined | readonly Content[];

/** A template of HTML: markup goes in as it is, everything else as text. Attributes stand in double quotes. */
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
