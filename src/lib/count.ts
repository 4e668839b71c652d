/** Formats a whole number for people: `12,040`. Doesn't use `toLocaleString`, because loading its locale data takes 10 ms. */
export function numberText(number: number): string {
  return String(number).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** `1 test`, `2 tests`, `12,040 tests`. */
export function count(number: number, one: string, many = `${one}s`): string {
  return `${numberText(number)} ${number === 1 ? one : many}`;
}

/** Formats a number that may not be known exactly: `3`, `unknown (at most 3)`, `1 to 3`, `at least 1`, `unknown`. */
export function amountText({ least, most }: { least: number; most: number | null }): string {
  if (least === most) return numberText(least);
  if (most === null) return least === 0 ? "unknown" : `at least ${numberText(least)}`;
  return least === 0 ? `unknown (at most ${numberText(most)})` : `${numberText(least)} to ${numberText(most)}`;
}

/**
 * A share from 0 to 1 in percent, truncated to tenths: 99.97 % must not look like 100 %, and 89.97 % not like the required 90 %.
 */
export function percentOf(share: number): number {
  // Sums may be slightly too small: 0.7 + 0.1 is 0.7999999999999999.
  return Math.floor(share * 1_000 + 1e-9) / 10;
}

/** A share from 0 to 1 for people: `94 %`, `99.9 %`. */
export function percentText(share: number): string {
  return `${percentOf(share)} %`;
}

const irregular: Readonly<Record<string, string>> = { child: "children", person: "people" };

/** Possible plurals of an English word: `session` → sessions, `summary` → summaries, `class` → classes. */
export function pluralsOf(word: string): string[] {
  const exception = Object.hasOwn(irregular, word) ? irregular[word] : undefined;
  if (exception !== undefined) return [exception, `${word}s`];
  if (/[^aeiou]y$/.test(word)) return [`${word.slice(0, -1)}ies`];
  if (/(?:s|x|z|ch|sh)$/.test(word)) return [`${word}es`];
  return [`${word}s`];
}

/** Words that this may be the plural of, and the word itself, because a table may be named in the singular. */
export function singularsOf(word: string): string[] {
  const candidates = [
    ...Object.entries(irregular).flatMap(([one, many]) => (many === word ? [one] : [])),
    word.replace(/ies$/, "y"),
    word.replace(/es$/, ""),
    word.replace(/s$/, ""),
  ];
  return [...new Set([...candidates.filter((one) => one !== "" && pluralsOf(one).includes(word)), word])];
}
