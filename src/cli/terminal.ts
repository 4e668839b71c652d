import type { SecretKeeper } from "../stages/context.ts";

/** What the terminal gives; a test gives its own. */
export interface Terminal {
  cwd: string;
  env: Readonly<Record<string, string | undefined>>;
  stdout: NodeJS.WriteStream;
  stderr: NodeJS.WriteStream;
}

/** The same inside of a command: both streams redact whatever is written to them. */
export interface GuardedTerminal extends Terminal {
  secrets: SecretKeeper;
}
