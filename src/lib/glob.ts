/**
 * Globs over texts that others write: names of tests, ids, keys, routes. They are compared without regular expressions, whose time can
 * grow exponentially with a text that was made for that.
 */

export interface Glob {
  test(text: string): boolean;
}

/**
 * `*` and `**` are any text, `?` is any letter, and everything else is itself, brackets too. The time grows with pattern times text at
 * most.
 * @param oneLetter whether `?` is any letter; else it is itself
 */
export function textGlob(pattern: string, { oneLetter = true } = {}): Glob {
  const wanted = pattern.replaceAll(/\*+/g, "*");
  return { test: (text) => matches(wanted, text, oneLetter) };
}

/** From a star on, only the last one needs to be tried again: what an earlier one could take, it can take as well. */
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

/** `*` is any part between two slashes, `**` anything, and with a slash behind it any number of folders. */
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

/** All ways at once: a place is a step, and for folders also whether it is inside of one. */
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

/** Inside of a folder: half a step further. */
const inside = 0.5;

function next(steps: readonly Step[], place: number, letter: string): number[] {
  const step = steps[Math.floor(place)];
  if (step === undefined) return [];
  if (step === "anything") return [place];
  if (step === "segment") return letter === "/" ? [] : [place];
  if (step === "folders") return letter === "/" ? (place % 1 === inside ? [place - inside] : []) : [Math.floor(place) + inside];
  return step.letter === letter ? [place + 1] : [];
}

/** With what may be passed over without a letter. */
function reached(steps: readonly Step[], places: readonly number[]): Set<number> {
  const all = new Set<number>();
  for (const start of places)
    for (let place = start; !all.has(place); place++) {
      all.add(place);
      if (place % 1 !== 0 || typeof steps[place] !== "string") break;
    }
  return all;
}
