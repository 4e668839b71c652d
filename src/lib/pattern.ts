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

/**
 * Globs for text from outside: test names, ids, keys, routes. They avoid regular expressions, because crafted text can make those
 * take exponential time.
 */

export interface Glob {
  test(text: string): boolean;
}

/**
 * `*` and `**` match any text, `?` matches one character, and everything else matches itself, brackets included. Takes at most
 * pattern length times text length.
 * @param oneLetter whether `?` matches any character; otherwise it matches itself
 */
export function textGlob(pattern: string, { oneLetter = true } = {}): Glob {
  const wanted = pattern.replaceAll(/\*+/g, "*");
  return { test: (text) => matches(wanted, text, oneLetter) };
}

/** On a mismatch only the last star has to be retried: whatever an earlier star could match, the last one can match too. */
function matches(pattern: string, text: string, oneLetter: boolean): boolean {
  let [at, from] = [0, 0];
  let [star, taken] = [-1, 0];
  while (from < text.length) {
    const part = pattern[at];
    if (part === "*") {
      star = at++;
      taken = from;
    } else if (part !== undefined && (part === text[from] || (oneLetter && part === "?"))) {
      at++;
      from++;
    } else if (star >= 0) {
      at = star + 1;
      from = ++taken;
    } else return false;
  }
  return at === pattern.length || (at === pattern.length - 1 && pattern[at] === "*");
}

/** One step of a route's glob. */
type Step = { letter: string } | "segment" | "anything" | "folders";

/** `*` matches any text between two slashes, `**` any text, and `**` followed by a slash any number of folders. */
export function routeGlob(pattern: string): Glob {
  const steps = pattern.split(/(\*\*\/?|\*)/).flatMap(stepsOf);
  return { test: (text) => follows(steps, text) };
}

function stepsOf(part: string): Step[] {
  if (part === "**/") return ["folders"];
  if (part === "**") return ["anything"];
  if (part === "*") return ["segment"];
  return [...part].flatMap((letter) => [...Array(letter.length).keys()].map((index) => ({ letter: letter.charAt(index) })));
}

/** Follows all alternatives at once. A position is a step; inside a folder it is half a step further. */
function follows(steps: readonly Step[], text: string): boolean {
  let places = reached(steps, [0]);
  for (let index = 0; index < text.length && places.size > 0; index++) {
    const letter = text.charAt(index);
    places = reached(
      steps,
      [...places].flatMap((place) => next(steps, place, letter)),
    );
  }
  return places.has(steps.length);
}

/** Added to a step's position while inside a folder. */
const inside = 0.5;

function next(steps: readonly Step[], place: number, letter: string): number[] {
  const step = steps[Math.floor(place)];
  if (step === undefined) return [];
  if (step === "anything") return [place];
  if (step === "segment") return letter === "/" ? [] : [place];
  if (step === "folders") return letter === "/" ? (place % 1 === inside ? [place - inside] : []) : [Math.floor(place) + inside];
  return step.letter === letter ? [place + 1] : [];
}

/** Adds the positions that can be reached without consuming a character. */
function reached(steps: readonly Step[], places: readonly number[]): Set<number> {
  const all = new Set<number>();
  for (const start of places)
    for (let place = start; !all.has(place); place++) {
      all.add(place);
      if (place % 1 !== 0 || typeof steps[place] !== "string") break;
    }
  return all;
}
