import { inspect } from "node:util";
import { once } from "../lib/once.ts";
import { z } from "../lib/zod.ts";

/**
 * How the loader treats a text of the file, in addition to checking it:
 * - `secret`: must be a single reference to a variable; never shown.
 * - `shell`: `${NAME}` is kept for the shell to expand. Expanding it earlier would run the variable's text as part of the
 *   command.
 */
export type Handling = "secret" | "shell";

export const handlings = z.registry<{ handling: Handling }>();

/**
 * A value that must not be shown. It cannot be printed by accident: every conversion to text gives the placeholder. Only {@link
 * reveal} returns the value.
 */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return "***";
  }

  toJSON(): string {
    return "***";
  }

  [inspect.custom](): string {
    return "***";
  }
}

/** @param variable a suggested variable name, for the message */
function written(variable: string) {
  return z
    .string({ error: `expected a reference to an environment variable, such as \${${variable}}` })
    .min(1, { error: "the environment variable of this secret is empty: set it" });
}

/** A secret in the file must be a reference, `${NAME}`; the loader rejects plain text. */
export function secret(variable: string) {
  return secretOf(written(variable), variable);
}

/**
 * A token for a header. A trailing line break, common in stored tokens, would make clients fail with errors that contain the
 * token.
 */
export function bearerToken(variable: string) {
  return secretOf(
    written(variable).refine((text) => !/[\s\p{Cc}]/u.test(text), {
      error: "the token contains a space or a line break, which a header cannot carry: store it without",
    }),
    variable,
  );
}

/** Anyone with the log can try keys, and a short key is quickly found. */
export const auditKey = once(() =>
  secretOf(
    written("AUDIT_KEY").min(16, {
      error: "expected at least 16 random characters in the variable: openssl rand -hex 32 makes 64",
    }),
    "AUDIT_KEY",
  ),
);

/** An address that works as a credential: anyone who knows it can use it. */
export function secretUrl(variable: string) {
  return secretOf(
    written(variable).refine((text) => URL.canParse(text) && /^https?:$/.test(new URL(text).protocol), {
      error: "expected an http:// or https:// address in the variable",
    }),
    variable,
  );
}

function secretOf(text: z.ZodString, variable: string) {
  return text
    .transform((value) => new Secret(value))
    .meta({
      description: `A secret. Must be a reference such as \`\${${variable}}\`, never the value itself.`,
      writeOnly: true,
      pattern: "^\\$\\{[A-Za-z_][A-Za-z0-9_]*\\}$",
    })
    .register(handlings, { handling: "secret" });
}
