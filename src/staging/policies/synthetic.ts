import type { Locale, Synthetic, SyntheticKind } from "./model.ts";
import { listLiteral, numberFrom, textLiteral } from "./sql.ts";
import { vocabularies } from "./vocabulary.ts";

/**
 * Made-up values as SQL. Each follows from a hash of the seed and of something that the copy has anyway: the row's stand-in, or its
 * place. Of the original's value it only takes whether there is one, and for a text which of three lengths it has.
 */

interface Recipe {
  /** @param hash 64 hex digits @param source the original's value */
  make: (hash: string, source: string) => string;
  /** A regular expression, in the part that Java and RE2 share, that all its values match. */
  pattern: string;
  /** Letters that it has at most. */
  most: number;
}

type Choice = readonly string[];

/** The 16 pieces, chosen by one digit of the hash. */
function chosen(pieces: Choice, hash: string, digit: number): string {
  return `element_at(${listLiteral(pieces)}, instr('0123456789abcdef', substring(${hash}, ${digit}, 1)))`;
}

function composed([left, right]: readonly [Choice, Choice], hash: string, digit: number): string {
  return `concat(${chosen(left, hash, digit)}, ${chosen(right, hash, digit + 1)})`;
}

function oneOf(pieces: Choice): string {
  return `(${pieces.map((piece) => piece.replaceAll(/[.*+?^$()[\]|\\]/g, "\\$&")).join("|")})`;
}

function pairOf([left, right]: readonly [Choice, Choice]): string {
  return oneOf(left) + oneOf(right);
}

function longest(...lists: readonly Choice[]): number {
  return lists.reduce((sum, list) => sum + Math.max(...list.map((piece) => piece.length)), 0);
}

/** So many decimal digits. */
function digits(hash: string, start: number, count: number): string {
  return `translate(substring(${hash}, ${start}, ${count}), 'abcdef', '012345')`;
}

/** A number of so many digits from 2 to 9…9, without zeros before it. */
function number(hash: string, start: number, count: number): string {
  return `concat(translate(substring(${hash}, ${start}, 1), '01abcdef', '23456789'), ${digits(hash, start + 1, count - 1)})`;
}

function recipes(locale: Locale): Readonly<Record<Exclude<SyntheticKind, "number">, Recipe>> {
  const { first, last, place, openings, middles, ends } = vocabularies[locale];
  const german = locale === "de";
  const firstName = (hash: string) => composed(first, hash, 1);
  const lastName = (hash: string) => composed(last, hash, 3);
  const sentence = (hash: string, digit: number) =>
    `concat(${chosen(openings, hash, digit)}, ' ', ${chosen(middles, hash, digit + 1)}, ' ', ${chosen(ends, hash, digit + 2)}, '.')`;
  const oneSentence = `${oneOf(openings)} ${oneOf(middles)} ${oneOf(ends)}\\.`;
  const sentenceLength = longest(openings, middles, ends) + 3;
  const several = (hash: string, count: number) =>
    `concat(${Array.from({ length: count }, (_, index) => sentence(hash, 30 + index * 3)).join(", ' ', ")})`;
  const placeName = (hash: string) => composed(place, hash, 5);
  const houseNumber = (hash: string) => number(hash, 20, 2);
  return {
    firstName: { make: firstName, pattern: pairOf(first), most: longest(...first) },
    lastName: { make: lastName, pattern: pairOf(last), most: longest(...last) },
    fullName: {
      make: (hash) => `concat(${firstName(hash)}, ' ', ${lastName(hash)})`,
      pattern: `${pairOf(first)} ${pairOf(last)}`,
      most: longest(...first, ...last) + 1,
    },
    email: {
      make: (hash) =>
        `lower(concat(${firstName(hash)}, '.', ${lastName(hash)}, '.', substring(${hash}, 40, 12), '@mail.example'))`,
      pattern: "[a-z]+\\.[a-z]+\\.[0-9a-f]{12}@mail\\.example",
      most: longest(...first, ...last) + 27,
    },
    // Numbers that are never given to anybody: 555-01xx, and those that the Bundesnetzagentur keeps for films.
    phone: german
      ? { make: (hash) => `concat('+49 30 23125 ', ${digits(hash, 10, 3)})`, pattern: "\\+49 30 23125 [0-9]{3}", most: 16 }
      : {
          make: (hash) => `concat('+1 ', ${number(hash, 8, 3)}, '-555-01', ${digits(hash, 20, 2)})`,
          pattern: "\\+1 [2-9][0-9]{2}-555-01[0-9]{2}",
          most: 15,
        },
    street: german
      ? {
          make: (hash) => `concat(${composed(last, hash, 7)}, 'pfad ', ${houseNumber(hash)})`,
          pattern: `${pairOf(last)}pfad [0-9]{1,3}`,
          most: longest(...last) + 9,
        }
      : {
          make: (hash) => `concat(${houseNumber(hash)}, ' ', ${composed(last, hash, 7)}, ' Walk')`,
          pattern: `[0-9]{1,3} ${pairOf(last)} Walk`,
          most: longest(...last) + 9,
        },
    city: { make: placeName, pattern: pairOf(place), most: longest(...place) },
    // Codes that no post office has.
    postcode: german
      ? { make: (hash) => `concat('00', ${digits(hash, 10, 3)})`, pattern: "00[0-9]{3}", most: 5 }
      : { make: (hash) => `concat('000', ${digits(hash, 10, 2)})`, pattern: "000[0-9]{2}", most: 5 },
    school: {
      make: (hash) =>
        `concat(${placeName(hash)}, ${textLiteral(german ? " Gesamtschule " : " School ")}, ${digits(hash, 25, 5)})`,
      pattern: `${pairOf(place)} ${german ? "Gesamtschule" : "School"} [0-9]{5}`,
      most: longest(...place) + 19,
    },
    url: {
      make: (hash) => `concat('https://school.example/', substring(${hash}, 40, 12))`,
      pattern: "https://school\\.example/[0-9a-f]{12}",
      most: 35,
    },
    // Addresses for documentation.
    ip: {
      make: (hash) => `concat('198.51.100.', ${number(hash, 12, 2)})`,
      pattern: "198\\.51\\.100\\.[0-9]{1,3}",
      most: 14,
    },
    word: { make: (hash) => `lower(${composed(last, hash, 9)})`, pattern: pairOf(last).toLowerCase(), most: longest(...last) },
    sentence: { make: (hash) => sentence(hash, 30), pattern: oneSentence, most: sentenceLength },
    text: {
      make: (hash, source) =>
        `CASE WHEN length(${source}) <= 80 THEN ${several(hash, 1)} WHEN length(${source}) <= 240 THEN ${several(hash, 2)} ELSE ${several(hash, 5)} END`,
      pattern: `(${oneSentence} ?)+`,
      most: sentenceLength * 5 + 4,
    },
  };
}

const byLocale = { en: recipes("en"), de: recipes("de") };

/** The most letters that a made-up value of this kind has; `undefined` for numbers. */
export function longestOf(kind: SyntheticKind, locale: Locale): number | undefined {
  return kind === "number" ? undefined : byLocale[locale][kind].most;
}

export const numberRange = ({ min = 0, max = 100 }: Synthetic): { min: number; max: number } => ({ min, max });

/** @param hash SQL of 64 hex digits @param source SQL of the original's value, which is only asked whether it is there, and how long */
export function madeUp(policy: Synthetic, locale: Locale, hash: string, source: string): string {
  if (policy.kind !== "number") return byLocale[locale][policy.kind].make(hash, source);
  const { min, max } = numberRange(policy);
  return `${min} + ${numberFrom(hash, 1, 13)} % ${max - min + 1}`;
}

/** A condition that all made-up values of this kind meet, and hardly any other. */
export function isMadeUp(policy: Synthetic, locale: Locale, value: string): string {
  if (policy.kind !== "number") return `regexp_like(${value}, ${textLiteral(`^${byLocale[locale][policy.kind].pattern}$`)})`;
  const { min, max } = numberRange(policy);
  return `${value} BETWEEN ${min} AND ${max}`;
}
