/**
 * What a version tells about one cell that a test changed:
 * - `later`: the change had been made already, so look further back.
 * - `before`: another value stood there.
 * - `absent`: the row was not there.
 * - `stop`: the version cannot be read, or has several rows of this key. What is older proves nothing.
 */
export type Seen = "later" | "before" | "absent" | "stop";

/** Versions looked at one by one, newest first: only this finds a value that stood there between two equal ones. */
const lookedAtOneByOne = 64;
const chunks = [8, 24, 32];
/** Further back the distance is divided by this many versions a round. */
const probesPerRound = 8;

/**
 * Which versions to ask next, by their places among the candidates (newest first, 0 is now), or the place where the search ends:
 * a `before` or a `stop`; an `absent` only where nothing older is known; `count` where no version tells.
 * @param seen `undefined` where nobody asked yet. @param guess a place that is likely to be a `before`
 */
export function nextStep(
  count: number,
  seen: (index: number) => Seen | undefined,
  guess?: number,
): { ask: number[] } | { end: number } {
  const oneByOne = Math.min(count, lookedAtOneByOne);
  for (let index = 0; index < oneByOne; index++) {
    const found = seen(index);
    if (found === "before" || found === "stop") return { end: index };
    if (found === undefined) return { ask: withGuess(chunkFrom(index, oneByOne), count, guess) };
  }
  return count === oneByOne ? { end: count } : divide(count, oneByOne - 1, seen);
}

function chunkFrom(index: number, end: number): number[] {
  let from = 0;
  for (const size of chunks) {
    if (index < from + size) return indexes(index, Math.min(from + size, end));
    from += size;
  }
  return indexes(index, end);
}

function withGuess(asked: number[], count: number, guess: number | undefined): number[] {
  return guess === undefined || guess >= count || asked.includes(guess) ? asked : [...asked, guess];
}

/** Where the change was made, taken for granted that from then on it was there. */
function divide(
  count: number,
  lastLater: number,
  seen: (index: number) => Seen | undefined,
): { ask: number[] } | { end: number } {
  let [later, earlier] = [lastLater, count];
  for (const index of indexes(lastLater + 1, count)) {
    const found = seen(index);
    if (found === undefined) continue;
    if (found !== "later") {
      earlier = index;
      break;
    }
    later = index;
  }
  const distance = earlier - later;
  if (distance <= 1) return { end: earlier };
  const steps = Math.min(probesPerRound, distance - 1);
  const asked = indexes(1, steps + 1).map((step) => later + Math.ceil((distance * step) / (steps + 1)));
  return { ask: [...new Set(asked.map((index) => Math.min(index, earlier - 1)))] };
}

function indexes(from: number, to: number): number[] {
  return Array.from({ length: Math.max(0, to - from) }, (_, index) => from + index);
}
