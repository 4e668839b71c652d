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
