import type { RE2JS } from "re2js";

/**
 * Regular expressions of the configuration. They meet texts that servers and tests write, so they run in a time that grows with the
 * text only (RE2): `(a+)+` in JavaScript's own engine can outlive every budget, because nothing interrupts it.
 */

/** Loaded only where a file has a pattern: most files have none, and it takes as long to load as all else that reads a file. */
let engine: typeof RE2JS | undefined;

/** To be awaited before a pattern is looked at. */
export async function loadPatterns(): Promise<void> {
  engine ??= (await import("re2js")).RE2JS;
}

export interface Pattern {
  /** Whether it matches anywhere in the text. */
  test(text: string): boolean;
}

const known = new Map<string, Pattern>();

/** @throws Error for what {@link whyNoPattern} refuses */
export function pattern(text: string): Pattern {
  const compiled = known.get(text) ?? compiledPattern(text);
  known.set(text, compiled);
  return compiled;
}

/** @returns why this is no pattern, and what to write instead; undefined where it is one */
export function whyNoPattern(text: string): string | undefined {
  try {
    pattern(text);
    return undefined;
  } catch (error) {
    if (lookAround.test(text))
      return "look-around such as (?=…) or (?!…) is not supported (RE2 syntax): write what must be there, if necessary in two entries";
    if (backReference.test(text))
      return "a back-reference such as \\1 is not supported (RE2 syntax): write the repeated text out";
    // What is behind the colon quotes the pattern, which may come from a secret variable.
    const why = error instanceof Error ? error.message.replace(/^error parsing regexp: /, "").replace(/: .*$/s, "") : "unknown";
    return `expected a regular expression in RE2 syntax (https://github.com/google/re2/wiki/Syntax), got an invalid one: ${why}`;
  }
}

const lookAround = /\(\?(?:<?[=!])/;
const backReference = /\\(?:[1-9]|k<)/;

function compiledPattern(text: string): Pattern {
  if (!engine) throw new Error("the engine of patterns is not loaded");
  const { RE2JS } = { RE2JS: engine };
  try {
    return RE2JS.compile(text);
  } catch (error) {
    // JavaScript's \u0041, [^] and \cA have another spelling there. A back-reference has none, and must not become text.
    if (backReference.test(text)) throw error;
    return RE2JS.compile(RE2JS.translateRegExp(text));
  }
}
