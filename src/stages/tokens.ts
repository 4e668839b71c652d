import { readdir, rm } from "node:fs/promises";
import { basename, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { ApiPorts } from "../checks/api/client.ts";
import { type MintedToken, mintToken, RouteAbsent } from "../checks/auth/check.ts";
import type { Environment } from "../config/schema.ts";
import { count } from "../lib/count.ts";
import { errorText } from "../lib/error-text.ts";
import { readOwn, writeOwn } from "../lib/plain-file.ts";
import type { Check } from "../model/report.ts";
import { runPrefixOf } from "./child-environment.ts";
import { reportCheck, type StageContext, type StageOutcome, step } from "./context.ts";
import { apiPorts } from "./ports.ts";

type Auth = NonNullable<Environment["auth"]>;

/** The share of a token's lifetime that is left when it is renewed: enough for a request that has already read the old one. */
const renewedAt = 0.2;
/** The shortest time between renewals. A failed renewal is retried while the token is valid, after half of the remaining time. */
const shortestPauseMs = 200;
/** Timers support at most 2³¹ ms; longer ones fire immediately. */
const longestTimerMs = 2 ** 31 - 1;

/** The file's content by role. `expiresAt` is ISO 8601, or null if unknown. */
type TokenFile = Record<string, { token: string; expiresAt: string | null }>;

/**
 * Mints the configured test tokens, passes them to `work` as environment (`ENV_ACTIONS_TOKENS` names a file with them), renews
 * them meanwhile, and removes the file. If minting fails, that is a check of the outcome and `work` isn't called: tests without a
 * sign-in would only fail with misleading messages.
 */
export async function withTokens(
  context: StageContext,
  outcome: StageOutcome,
  work: (environment: Record<string, string>) => Promise<void>,
): Promise<void> {
  const api = apiPorts(context);
  const { auth } = context.environment;
  if (!api || !auth?.enabled || !auth.secret || Object.keys(auth.roles).length === 0) return await work({});
  const report = async (verdict: Check["verdict"], observed: string, message?: string) => {
    const title = "Test tokens were provided";
    const said = { ...(message ? { message } : {}), expected: "a valid token for each role", durationMs: 0 };
    outcome.checks.push(await reportCheck(context, Promise.resolve({ id: "tests.tokens", title, verdict, observed, ...said })));
  };

  const ended = new AbortController();
  const signal = AbortSignal.any([context.signal, ended.signal]);
  // A renewal in progress when the tests end is completed, because its answer names a session whose keys have to be deleted.
  const tokens = new TestTokens(context, auth, api);
  try {
    await tokens.mintAll();
  } catch (error) {
    await tokens.remove();
    // A route that we saw missing is a finding; everything else means that we could not look.
    const verdict = error instanceof RouteAbsent ? "failed" : "error";
    return await report(verdict, "not minted", `The tests did not start: ${errorText(error)}`);
  }
  const renewing = tokens.keepFresh(signal);
  try {
    await work(tokens.environment());
  } finally {
    ended.abort();
    const lost = await renewing;
    await tokens.remove();
    await report(lost.length > 0 ? "error" : "passed", tokens.summary(), lost.join(" "));
  }
}

class TestTokens {
  readonly #context: StageContext;
  readonly #auth: Auth;
  readonly #ports: ApiPorts;
  readonly #file: string;
  readonly #minted = new Map<string, MintedToken & { at: number }>();
  #renewals = 0;
  /** Two roles may be renewed at the same time, and the file must contain both. */
  #written = Promise.resolve();

  constructor(context: StageContext, auth: Auth, ports: ApiPorts) {
    this.#context = context;
    this.#auth = auth;
    this.#ports = ports;
    this.#file = tokenFile(context);
  }

  async mintAll(): Promise<void> {
    const roles = Object.keys(this.#auth.roles);
    step(this.#context, `minting test tokens: ${roles.join(", ")}`);
    // Waits for all, even if one fails: a sign-in whose answer is not read could not be deleted.
    const minted = await Promise.allSettled(roles.map((role) => this.#mint(role)));
    for (const one of minted) if (one.status === "rejected") throw one.reason;
    await this.#write();
  }

  /** Until the signal aborts. @returns what could not be renewed before it expired, as sentences */
  async keepFresh(signal: AbortSignal): Promise<string[]> {
    const endings = await Promise.all([...this.#minted.keys()].map((role) => this.#keepRoleFresh(role, signal)));
    return endings.filter((ending) => ending !== undefined);
  }

  environment(): Record<string, string> {
    const variables = Object.entries(this.#auth.roles).flatMap(([role, { variable }]) => {
      const token = this.#minted.get(role)?.token;
      return variable && token ? [[variable, token] as const] : [];
    });
    return { ...Object.fromEntries(variables), ENV_ACTIONS_TOKENS: this.#file };
  }

  summary(): string {
    return `${[...this.#minted.keys()].join(", ")}; renewed ${count(this.#renewals, "time")}`;
  }

  async remove(): Promise<void> {
    await this.#written;
    await rm(this.#file, { force: true });
  }

  async #keepRoleFresh(role: string, signal: AbortSignal): Promise<string | undefined> {
    for (;;) {
      const { livesMs, at } = this.#token(role);
      // Its expiry is unknown, so there is no time to renew it.
      if (livesMs === undefined) return undefined;
      const left = at + livesMs * (1 - renewedAt) - Date.now();
      if (!(await pause(Math.max(left, shortestPauseMs), signal))) return undefined;
      const failure = await this.#renew(role, at + livesMs, signal);
      if (failure) return failure;
    }
  }

  async #renew(role: string, expiresAt: number, signal: AbortSignal): Promise<string | undefined> {
    for (;;) {
      try {
        await this.#mint(role);
        await this.#write();
        this.#renewals++;
        step(this.#context, `renewed the test token of ${role}`);
        return undefined;
      } catch (error) {
        if (signal.aborted) return undefined;
        const left = expiresAt - Date.now();
        if (left <= 0) return `The token of ${role} expired while the tests ran, and could not be renewed: ${errorText(error)}`;
        if (!(await pause(Math.max(left / 2, shortestPauseMs), signal))) return undefined;
      }
    }
  }

  async #mint(role: string): Promise<void> {
    const at = Date.now();
    const prefix = runPrefixOf(this.#context);
    const written = Object.entries(this.#auth.roles[role]?.body ?? {});
    const body = written.map(([key, value]) => [key, typeof value === "string" ? value.replaceAll("{prefix}", prefix) : value]);
    const minted = await mintToken(this.#ports, this.#auth, { role, ...Object.fromEntries(body) });
    this.#minted.set(role, { ...minted, at });
  }

  #token(role: string): MintedToken & { at: number } {
    const minted = this.#minted.get(role);
    if (!minted) throw new Error(`no token of ${role} was minted`);
    return minted;
  }

  async #write(): Promise<void> {
    const writing = this.#written.then(() => writeTokens(this.#file, this.#content()));
    // The next one must not fail because of this one; its own caller gets the error.
    this.#written = writing.catch(() => undefined);
    await writing;
  }

  #content(): TokenFile {
    return Object.fromEntries(
      [...this.#minted].map(([role, { token, livesMs, at }]) => [
        role,
        { token, expiresAt: livesMs === undefined ? null : new Date(at + livesMs).toISOString() },
      ]),
    );
  }
}

/** One per execution: another job in the same workspace has other tokens. */
function tokenFile({ records, stage, runId }: Pick<StageContext, "records" | "stage" | "runId">): string {
  return join(records, "tokens", `${stage}-${runId}.json`);
}

/** The tokens of a killed stage: they may be in its logs, from before it knew them. */
export async function tokensLeft(place: Pick<StageContext, "records" | "stage" | "runId">): Promise<string[]> {
  try {
    const content = JSON.parse((await readOwn(tokenFile(place))).toString("utf8")) as TokenFile;
    return Object.values(content).flatMap(({ token }) => (typeof token === "string" ? token : []));
  } catch {
    // None was created, or tests replaced the file.
    return [];
  }
}

/** After a stage that was killed and could not remove it. */
export async function removeTokenFile(context: Pick<StageContext, "records" | "stage" | "runId">): Promise<void> {
  const folder = join(context.records, "tokens");
  const file = basename(tokenFile(context));
  // Also a draft, if it was killed while writing.
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw error;
  });
  for (const name of names) if (name.startsWith(file)) await rm(join(folder, name), { force: true });
}

/** No other user of the machine may read it. */
async function writeTokens(file: string, content: TokenFile): Promise<void> {
  await writeOwn(file, `${JSON.stringify(content, undefined, 2)}\n`, { mode: 0o600, folderMode: 0o700 });
}

/** @returns whether the time passed; otherwise the signal aborted */
async function pause(milliseconds: number, signal: AbortSignal): Promise<boolean> {
  try {
    await sleep(Math.min(Math.max(milliseconds, 0), longestTimerMs), undefined, { signal });
    return true;
  } catch (error) {
    if (signal.aborted) return false;
    throw error;
  }
}
