import { keyText } from "../redis/connection.ts";
import type { KeyScope } from "./key-judge.ts";
import { isTellingId } from "./key-words.ts";

/** So many characters are enough to leave nearly everything out, and every test prefix is longer. */
const width = 4;
/** Roughly what keys are made of: letters, digits and a few signs. */
const alphabet = 40;
/** A key has about so many places at which it could match by chance. */
const places = 30;
/** A filter that lets through more than this share is not worth its time on the server. */
const worthIt = 0.3;
/** How many characters may be compared to find a good one: a tenth of a second. */
const effort = 600_000;

/**
 * A glob that every key matches about which the judge may say anything but `keep`, so that the server need not send the others, which
 * are most of the keyspace: a few characters that each prefix, id, namespace and ledger key has somewhere, with a class for each place,
 * such as `*[e_][2t][es][_t]*`. It only ever leaves out; what it lets through is judged. As `latin1`; `undefined` where there is none
 * that would leave out much.
 */
export function keyFilter(scope: KeyScope): string | undefined {
  const namespaces = scope.scope === "run" ? [] : scope.namespaces;
  const literals = [...scope.prefixes.filter((prefix) => prefix !== ""), ...scope.ledger];
  const texts = [
    ...[...literals, ...namespaces.map((pattern) => longest(pattern.split("*")))].map(keyText),
    ...[...scope.ids, ...(scope.signIns ?? [])].map(keyText).filter(isTellingId),
  ];
  const [seed, ...others] = new Set(texts);
  if (seed === undefined || texts.some((text) => text.length < width)) return undefined;
  let best: { classes: Set<string>[]; share: number } | undefined;
  let left = effort;
  // Whatever the first text offers to begin with, the others follow as closely as they can.
  for (const start of windows(seed)) {
    left -= others.reduce((sum, other) => sum + other.length, 0);
    if (left < 0) break;
    const classes = [...start].map((character) => new Set([character]));
    for (const other of others) for (const [at, character] of [...nearest(other, classes)].entries()) classes[at]?.add(character);
    const share = places * classes.reduce((product, characters) => product * (characters.size / alphabet), 1);
    if (!best || share < best.share) best = { classes, share };
  }
  return best && best.share <= worthIt ? `*${best.classes.map(classText).join("")}*` : undefined;
}

function longest(texts: readonly string[]): string {
  return texts.reduce((a, b) => (b.length > a.length ? b : a), "");
}

function windows(text: string): string[] {
  return Array.from({ length: text.length - width + 1 }, (_, at) => text.slice(at, at + width));
}

/** The window of the text that makes the classes grow least. */
function nearest(text: string, classes: readonly ReadonlySet<string>[]): string {
  let found = "";
  let least = Number.POSITIVE_INFINITY;
  for (const window of windows(text)) {
    let growth = 1;
    for (const [at, characters] of classes.entries())
      if (!characters.has(window.charAt(at))) growth *= (characters.size + 1) / characters.size;
    if (growth < least) [found, least] = [window, growth];
    if (growth === 1) break;
  }
  return found;
}

/** Every character is escaped, so that none is more than itself. */
function classText(characters: ReadonlySet<string>): string {
  const escaped = [...characters].map((character) => `\\${character}`);
  return escaped.length === 1 ? escaped.join("") : `[${escaped.join("")}]`;
}
