import type { SecretKeeper } from "../stages/context.ts";

/** What the terminal provides; tests pass their own. */
export interface Terminal {
  cwd: string;
  env: Readonly<Record<string, string | undefined>>;
  stdout: NodeJS.WriteStream;
  stderr: NodeJS.WriteStream;
}

/** The terminal inside a command: both streams redact everything written to them. */
export interface GuardedTerminal extends Terminal {
  secrets: SecretKeeper;
}
