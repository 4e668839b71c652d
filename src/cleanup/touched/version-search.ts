/**
 * What a version shows about a cell that a test changed:
 * - `later`: the change was already made, so look further back.
 * - `before`: it had another value.
 * - `absent`: the row didn't exist.
 * - `stop`: the version cannot be read, or has several rows with this key. Older versions prove nothing.
 */
export type Seen = "later" | "before" | "absent" | "stop";

/** Versions that are read one by one, newest first. Only this finds a value that stood between two equal ones. */
const lookedAtOneByOne = 64;
const chunks = [8, 24, 32];
/** Further back, each round divides the distance by this many versions. */
const probesPerRound = 8;

/**
 * The versions to ask next, by index among the candidates (newest first, 0 is now), or the index where the search ends: a
 * `before` or a `stop`; an `absent` only if no older version is known; `count` if no version decides.
 * @param seen `undefined` if not asked yet
 * @param guess an index that is probably a `before`
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

/** Searches for the change, assuming that it stayed in place since. */
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
