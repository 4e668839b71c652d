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

/** In the file a secret is always a reference, `${NAME}`; the loader refuses one that is written out. */
export const secret = z
  .string({ error: "expected a reference to an environment variable, such as ${DATABRICKS_TOKEN}" })
  .min(1, { error: "the environment variable that holds this secret is empty" })
  .transform((value) => new Secret(value))
  .meta({
    description: "A secret: always a reference such as ${DATABRICKS_TOKEN}, never the value itself.",
    writeOnly: true,
    pattern: "^\\$\\{[A-Za-z_][A-Za-z0-9_]*\\}$",
  })
  .register(handlings, { handling: "secret" });
