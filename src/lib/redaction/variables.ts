import { hasPassword } from "./derived.ts";
import { isSecretName } from "./names.ts";
import { isWorthHiding } from "./values.ts";

export type Variables = Readonly<Record<string, string | undefined>>;

/** What the configuration says about names, beside what they say by themselves. */
export interface NamedSecrets {
  /** Variables whose value is a secret, although their name does not look like it. */
  also: readonly string[];
  /** Variables whose value is none, although their name looks like it. */
  not: readonly string[];
}

export const noNamedSecrets: NamedSecrets = { also: [], not: [] };

/**
 * The values of variables that are to be hidden: where the name says so and the value is no everyday word, and every address with a
 * password in it, whatever its variable is called.
 */
export function secretsOfVariables(sources: readonly Variables[], { also, not }: NamedSecrets = noNamedSecrets): string[] {
  const all = sources.flatMap((variables) => Object.entries(variables));
  const open = new Set<string>();
  for (const [name, value] of all) if (value !== undefined && !isSecretName(name) && isWord(value)) open.add(value);
  const found = all.flatMap(([name, value]) => {
    if (value === undefined || not.includes(name)) return [];
    if (also.includes(name) || hasPassword(value)) return [value];
    // `POSTGRES_USER` and `POSTGRES_PASSWORD` are often the same word, which is also the name of the database.
    return isSecretName(name) && isWorthHiding(value) && !open.has(value) ? [value] : [];
  });
  return [...new Set(found)];
}

function isWord(value: string): boolean {
  return /^[a-z]+(?:[-_][a-z]+){0,2}$/.test(value);
}
