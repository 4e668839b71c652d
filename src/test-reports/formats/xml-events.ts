import type { UnreadableReport } from "../reported.ts";
import { longestText } from "./xml/library.ts";
import { XmlParser } from "./xml/parser.ts";
import type { XmlSink } from "./xml/plain.ts";

/** Far more than any tool writes: keywords of Robot Framework nest up to about 300 elements deep. */
const deepestElement = 1_000;

export interface XmlElement {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  /** Its own text, without that of the elements inside it. Empty unless `open` asked for it; complete when it closes. */
  text: string;
}

/** Receives the elements of a report one at a time. `parents` are those around the element, outermost first. */
export interface XmlEvents {
  /** The names of elements that have no text of their own. Text in one is damage, such as a tag that ends too early. */
  readonly structure: ReadonlySet<string>;
  /** @returns whether the element's text is needed; that of all others is discarded */
  open(element: XmlElement, parents: readonly XmlElement[]): boolean;
  close(element: XmlElement, parents: readonly XmlElement[]): void;
}

/** Makes the error for a report that cannot be trusted, with the current position. */
export type Refusal = (cause: string) => UnreadableReport;

/**
 * Reads XML in chunks: memory doesn't grow with the report. Text of any length is cut, and elements may not nest without end.
 * @throws UnreadableReport if the XML is truncated or malformed, or declares entities
 */
export async function readXml(
  file: string,
  text: AsyncIterable<string>,
  eventsFor: (refusal: Refusal) => XmlEvents,
): Promise<void> {
  const reader = new XmlReader(file, eventsFor);
  for await (const piece of text) reader.write(piece);
  reader.end();
}

class XmlReader implements XmlSink {
  readonly #events: XmlEvents;
  readonly #parser: XmlParser;
  readonly #open: XmlElement[] = [];
  /** Whether its text is needed, for each open element. */
  readonly #wanted: boolean[] = [];

  constructor(file: string, eventsFor: (refusal: Refusal) => XmlEvents) {
    this.#parser = new XmlParser(file, this);
    this.#events = eventsFor((cause) => this.#parser.refusal(cause));
  }

  write(piece: string): void {
    this.#parser.write(piece);
  }

  end(): void {
    this.#parser.end();
  }

  open(name: string, attributes: Record<string, string>): void {
    if (this.#open.length >= deepestElement) throw this.#parser.refusal(`too deep: more than ${deepestElement} nested elements`);
    const element = { name, attributes, text: "" };
    this.#wanted.push(this.#events.open(element, this.#open));
    this.#open.push(element);
  }

  close(): void {
    const element = this.#open.pop();
    this.#wanted.pop();
    if (element) this.#events.close(element, this.#open);
  }

  text(text: string): void {
    const element = this.#open.at(-1);
    if (element && this.#events.structure.has(element.name) && /\S/.test(text))
      throw this.#parser.refusal(`text inside <${element.name}> is damage, and could hide a failure`);
    if (!element || !this.#wanted.at(-1) || element.text.length >= longestText) return;
    element.text += text.slice(0, longestText - element.text.length);
  }

  kept(text: string): string {
    return text.slice(0, longestText);
  }
}

/** @throws UnreadableReport if the attribute is there, but no count */
export function countOf(element: XmlElement, name: string, refusal: Refusal): number {
  const text = element.attributes[name];
  if (text === undefined || text === "") return 0;
  const count = Number(text);
  if (!Number.isInteger(count) || count < 0) throw refusal(`${name}: expected a number, got "${text}"`);
  return count;
}

/**
 * A missing failure makes the report unreadable. Missing tests are reported, because some writers count more than they describe.
 * @param name what declares the numbers @throws UnreadableReport
 */
export function requireDeclaredFailures(name: string, declared: number, seen: number, refusal: Refusal): void {
  if (declared > seen) throw refusal(`damaged: expected ${declared} failures as ${name} declares, got ${seen}`);
}

/** Some locales write a comma. An invalid or negative time counts as absent; it decides nothing. */
export function seconds(text: string | undefined): number {
  const value = Number(text?.replace(/,(?=\d+$)/, ".").replaceAll(",", ""));
  return value > 0 && Number.isFinite(value) ? value : 0;
}
