import { endOfToken } from "../checks/auth/token-end.ts";
import { type Shared, shared } from "../checks/run-check.ts";
import { Secret } from "../config/secret.ts";
import { errorText } from "../lib/error-text.ts";
import { childEnvironment } from "./child-environment.ts";
import { type StageContext, step } from "./context.ts";

/** A token that expires sooner is renewed before it is used. */
const renewedBeforeMs = 30_000;

/** Gets the environment's reader token, and a new one if that is refused. */
export interface TokenReader {
  token: Shared<string>;
  /**
   * After a 401.
   * @returns another token than the refused one; `undefined` if there is none
   */
  renew?: (refused: string) => Promise<string | undefined>;
}

/** `undefined` if the environment has no reader token. */
export function readerToken(context: StageContext): TokenReader | undefined {
  const { token } = context.environment;
  if (!token) return undefined;
  if (token instanceof Secret) return { token: () => Promise.resolve(token.reveal()) };
  return new CommandToken(context, token);
}

interface Command {
  command: string;
  timeout: number;
}

/** A token that a command prints. All checks of a stage share one. */
class CommandToken implements TokenReader {
  readonly #context: StageContext;
  readonly #settings: Command;
  #current: Shared<string> | undefined;
  #isRenewed = false;

  constructor(context: StageContext, settings: Command) {
    this.#context = context;
    this.#settings = settings;
  }

  /** Not before somebody needs it. */
  readonly token = async (attempt = 1): Promise<string> => {
    this.#current ??= shared(() => this.#mint());
    const current = this.#current;
    const token = await current(attempt);
    const end = endOfToken(token);
    if (end === undefined || end - Date.now() > renewedBeforeMs) return token;
    // Of all who wait, the first one begins. A new token that lives as shortly is used all the same.
    if (this.#current === current) {
      const minted = shared(() => this.#mint());
      this.#current = minted;
      return await minted(attempt);
    }
    return await this.#current(attempt);
  };

  readonly renew = async (refused: string): Promise<string | undefined> => {
    const current = await this.#current?.();
    if (current !== undefined && current !== refused) return current;
    if (this.#isRenewed) return undefined;
    this.#isRenewed = true;
    this.#current = shared(() => this.#mint());
    const renewed = await this.#current();
    return renewed === refused ? undefined : renewed;
  };

  async #mint(): Promise<string> {
    const { command, timeout } = this.#settings;
    const { workspace, signal, secrets } = this.#context;
    const { readSecretOutput } = await import("../processes/secret-output.ts");
    step(this.#context, "running the command that prints the reader token");
    const text = await readSecretOutput(
      { command, cwd: workspace, env: childEnvironment(this.#context, {}) },
      { signal, timeoutMs: timeout, onSecret: secrets.add },
    ).catch((error: unknown) => {
      throw new Error(
        `The command of token ${errorText(error)}. Run it in a terminal: it must print the token, and nothing else.`,
        {
          cause: error,
        },
      );
    });
    if (/[\s\p{Cc}]/u.test(text))
      throw new Error(
        `The command of token printed ${text.split(/\s+/).length} words: expected the token, and nothing else on its standard output.`,
      );
    const end = endOfToken(text);
    if (end !== undefined && end <= Date.now())
      throw new Error(
        `The command of token printed one that expired at ${new Date(end).toISOString()}: let it request a new one, and compare the clocks.`,
      );
    return text;
  }
}
