import type { RE2JS } from "re2js";

/**
 * Regular expressions from the configuration. They run on text from servers and tests, so they use RE2, whose time is linear in
 * the text. In JavaScript's own engine `(a+)+` can run past any time limit, and nothing can interrupt it.
 */

/** Loaded on demand: most files have no pattern, and loading it takes as long as everything else that reads a file. */
let engine: typeof RE2JS | undefined;

/** Await this before you use a pattern. */
export async function loadPatterns(): Promise<void> {
  engine ??= (await import("re2js")).RE2JS;
}

export interface Pattern {
  /** Whether the pattern matches anywhere in the text. */
  test(text: string): boolean;
}

const known = new Map<string, Pattern>();

/** @throws Error for anything that {@link whyNoPattern} refuses */
export function pattern(text: string): Pattern {
  const compiled = known.get(text) ?? compiledPattern(text);
  known.set(text, compiled);
  return compiled;
}

/** @returns why the text is not a valid pattern, and what to write instead; undefined if it is valid */
export function whyNoPattern(text: string): string | undefined {
  try {
    pattern(text);
    return undefined;
  } catch (error) {
    if (lookAround.test(text))
      return "look-around such as (?=…) or (?!…) is not supported (RE2 syntax): write what must be there, if necessary in two entries";
    if (backReference.test(text))
      return "a back-reference such as \\1 is not supported (RE2 syntax): write the repeated text out";
    // The part after the colon quotes the pattern, which may come from a secret.
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
    // RE2 spells JavaScript's \u0041, [^] and \cA differently. It has no back-references, and those must not be taken as plain
    // text.
    if (backReference.test(text)) throw error;
    return RE2JS.compile(RE2JS.translateRegExp(text));
  }
}
