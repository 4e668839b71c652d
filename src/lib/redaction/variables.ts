import { hasPassword } from "./derived.ts";
import { isSecretName } from "./names.ts";
import { isWorthHiding } from "./values.ts";

export type Variables = Readonly<Record<string, string | undefined>>;

/** What the configuration adds to the rule for names. */
export interface NamedSecrets {
  /** Variables that hold a secret although their name doesn't say so. */
  also: readonly string[];
  /** Variables that hold no secret although their name says so. */
  not: readonly string[];
}

export const noNamedSecrets: NamedSecrets = { also: [], not: [] };

/**
 * The values to hide: those whose variable is named like a secret, unless the value is a common word, and every URL that contains
 * a password.
 */
export function secretsOfVariables(sources: readonly Variables[], { also, not }: NamedSecrets = noNamedSecrets): string[] {
  const all = sources.flatMap((variables) => Object.entries(variables));
  const open = new Set<string>();
  for (const [name, value] of all) if (value !== undefined && !isSecretName(name) && isWord(value)) open.add(value);
  const found = all.flatMap(([name, value]) => {
    if (value === undefined || not.includes(name)) return [];
    if (also.includes(name) || hasPassword(value)) return [value];
    // `POSTGRES_USER` and `POSTGRES_PASSWORD` are often the same word, and also the name of the database.
    return isSecretName(name) && isWorthHiding(value) && !open.has(value) ? [value] : [];
  });
  return [...new Set(found)];
}

function isWord(value: string): boolean {
  return /^[a-z]+(?:[-_][a-z]+){0,2}$/.test(value);
}
