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
      const secrets = [...known].sort((a, b) => b.length - a.length);
      for (const secret of secrets) redacted = redacted.replaceAll(secret, "***");
      return redacted.includes("…") ? withoutBeginnings(redacted, secrets) : redacted;
    },
  };
}

/** What somebody else said is cut where it is long, and the cut may go through a secret. */
function withoutBeginnings(text: string, secrets: readonly string[]): string {
  const parts = text.split(/( ?…)/);
  return parts.map((part, at) => (parts[at + 1] === undefined ? part : withoutBeginning(part, secrets))).join("");
}

function withoutBeginning(text: string, secrets: readonly string[]): string {
  for (const secret of secrets)
    for (let length = Math.min(secret.length - 1, text.length); length >= shortestSecret; length--)
      if (text.endsWith(secret.slice(0, length))) return `${text.slice(0, -length)}***`;
  return text;
}

/** The same value with every text in it redacted, names of members included. */
export function redacted<Value>(value: Value, redact: (text: string) => string): Value {
  if (typeof value === "string") return redact(value) as Value;
  if (Array.isArray(value)) return value.map((item) => redacted(item, redact)) as Value;
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [redact(key), redacted(item, redact)])) as Value;
}
