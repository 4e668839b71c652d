import { announcedForms, partsOf } from "../lib/redaction/forms.ts";
import { Redactor } from "../lib/redaction/redactor.ts";
import type { SecretKeeper } from "../stages/context.ts";

/**
 * All secrets that this process knows. All output of a process shares one keeper, so a secret that becomes known late is hidden
 * everywhere from then on.
 * @param announce masks a secret in output that we don't write: the runner's log
 */
export function secretKeeper(announce: (secret: string) => void): SecretKeeper {
  const known = new Set<string>();
  const announced = new Set<string>();
  let guessed: ReadonlySet<string> = new Set();
  let redactor = new Redactor();
  let generation = 0;

  const tell = (secret: string) => {
    for (const part of partsOf(secret))
      for (const form of [part, ...announcedForms(part)]) {
        // An empty mask would hide everything, and a very short one parts of most words.
        if (form.trim() === "" || announced.has(form)) continue;
        announced.add(form);
        announce(form);
      }
  };

  return {
    add(secret) {
      if (known.has(secret)) return;
      known.add(secret);
      if (redactor.add(secret)) generation += 1;
      tell(secret);
    },
    guess(secrets) {
      guessed = new Set(secrets);
      redactor = new Redactor();
      for (const secret of [...known, ...guessed]) redactor.add(secret);
      generation += 1;
    },
    redact: (text) => redactor.redact(text),
    holds: (text) => redactor.holds(text),
    lines() {
      let made = redactor;
      let lines = made.lines();
      return (texts) => {
        if (made !== redactor) {
          made = redactor;
          lines = made.lines();
        }
        return lines(texts);
      };
    },
    get generation() {
      return generation;
    },
  };
}
