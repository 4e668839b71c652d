import { inspect } from "node:util";
import { z } from "zod";
import { handlings } from "./handling.ts";

/**
 * A value that must not be seen. It cannot be printed by accident: every way JavaScript has of turning it into text gives the
 * placeholder; only {@link reveal} gives the value.
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

const written = z
  .string({ error: "expected a reference to an environment variable, such as ${DATABRICKS_TOKEN}" })
  .min(1, { error: "the environment variable that holds this secret is empty" });

/** In the file a secret is always a reference, `${NAME}`; the loader refuses one that is written out. */
export const secret = secretOf(written);

/** A token that a header carries. One that was stored with a line break at its end made errors of the client that hold nothing else. */
export const bearerToken = secretOf(
  written.refine((text) => !/[\s\p{Cc}]/u.test(text), {
    error: "this token holds a blank or a line break, which no header can carry: store it without",
  }),
);

/** Whoever has the log can try keys: a short one is soon found. */
export const auditKey = secretOf(
  written.min(16, { error: "expected at least 16 characters in that variable, made at random: openssl rand -hex 32" }),
);

/** An address that whoever knows it may use. */
export const secretUrl = secretOf(
  written.refine((text) => URL.canParse(text) && /^https?:$/.test(new URL(text).protocol), {
    error: "expected an http:// or https:// address in that variable",
  }),
);

function secretOf(text: z.ZodString) {
  return text
    .transform((value) => new Secret(value))
    .meta({
      description: "A secret: always a reference such as ${DATABRICKS_TOKEN}, never the value itself.",
      writeOnly: true,
      pattern: "^\\$\\{[A-Za-z_][A-Za-z0-9_]*\\}$",
    })
    .register(handlings, { handling: "secret" });
}
