import type { SecretKeeper } from "./stages/context.ts";

/** Shorter ones would blank out ordinary words, and hide nothing. */
const shortestSecret = 6;

/** @param announce masks a secret where output is not ours to redact: in the runner's log. */
export function secretKeeper(announce: (secret: string) => void): SecretKeeper {
  const known = new Set<string>();
  return {
    add(secret) {
      // Each line of a multi-line secret is a secret; and so is the form in which JSON prints it.
      for (const part of [secret, ...secret.split(/\r?\n/), JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret)]) {
        if (part.length < shortestSecret || known.has(part)) continue;
        known.add(part);
        announce(part);
      }
    },
    redact(text) {
      let redacted = text;
      // Longest first, or a secret that holds another would be left in half.
      for (const secret of [...known].sort((a, b) => b.length - a.length)) redacted = redacted.replaceAll(secret, "***");
      return redacted;
    },
  };
}
