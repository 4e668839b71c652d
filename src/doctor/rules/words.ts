import { suggestion } from "../../lib/nearest.ts";
import type { Found, Rule, Subject } from "../rule.ts";
import type { UnknownWord } from "../workflow-words.ts";

/** Keys, events and contexts of a workflow that GitHub doesn't know. */

export const unknownWord: Rule = {
  code: "ED112",
  severity: "fails",
  title: "GitHub doesn't know this word",
  meaning:
    "GitHub refuses a workflow with an unknown key, event or context, and runs none of its jobs. A required check of it then stays pending. Here, a known word is so near that this one must be a typing mistake.",
  cure: "Write the word that the message suggests.",
  find: (subject) => found(subject, ({ meant }) => meant !== undefined),
};

export const strangeWord: Rule = {
  code: "ED113",
  severity: "surprises",
  title: "GitHub may not know this word",
  meaning:
    "GitHub refuses a workflow with an unknown key, event or context. The doctor doesn't know this one, and no known word is near: it may be newer than the doctor.",
  cure: "Look it up in GitHub's workflow syntax. If it isn't there, remove it; otherwise accept the finding.",
  find: (subject) => found(subject, ({ meant }) => meant === undefined),
};

function* found({ unknownWords }: Subject, wanted: (word: UnknownWord) => boolean): Iterable<Found> {
  for (const word of unknownWords.filter(wanted)) {
    const { at, what, written, meant, known } = word;
    const message = `${what} ${JSON.stringify(written)}; ${suggestion(written, meant === undefined ? known : [meant])}`;
    yield { at, message, ...(meant === undefined ? {} : { cure: `Write \`${meant}\`.` }) };
  }
}
