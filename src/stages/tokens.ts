import { readdir, rm } from "node:fs/promises";
import { basename, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { ApiPorts } from "../checks/api/client.ts";
import { type MintedToken, mintToken } from "../checks/auth/check.ts";
import type { Environment } from "../config/schema.ts";
import { count } from "../lib/count.ts";
import { errorText } from "../lib/error-text.ts";
import { readOwn, writeOwn } from "../lib/plain-file.ts";
import type { Check } from "../model/report.ts";
import { runPrefixOf } from "./child-environment.ts";
import { apiPorts } from "./connections.ts";
import { reportCheck, type StageContext, type StageOutcome, step } from "./context.ts";

type Auth = NonNullable<Environment["auth"]>;

/** Of a token's life, what is left when it is renewed: enough for a request that has already read the old one. */
const renewedAt = 0.2;
/** No token is renewed more often. One whose renewal fails is tried again while it still lives, after half of what is left. */
const shortestPauseMs = 200;
/** Timers count at most 2³¹ ms, and go off at once when they are given more. */
const longestTimerMs = 2 ** 31 - 1;

/** What stands in the file, by role. `expiresAt` is ISO 8601, and null where nobody told. */
type TokenFile = Record<string, { token: string; expiresAt: string | null }>;

/**
 * Mints the configured test tokens, hands them to `work` as environment (`ENV_ACTIONS_TOKENS` names a file with them), renews them
 * while it lasts, and removes the file. When they cannot be minted, that is a check of the outcome, and there is no work: tests
 * without a sign-in would only fail with messages that mislead.
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
  // A renewal that is under way when the tests end gets its answer: it names a session whose keys have to be deleted.
  const tokens = new TestTokens(context, auth, api);
  try {
    await tokens.mintAll();
  } catch (error) {
    await tokens.remove();
    return await report("error", "not minted", `The tests did not start: ${errorText(error)}`);
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
  /** Two roles may be renewed at once, and the file must hold both. */
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
    // All are waited for, whatever becomes of one: a sign-in whose answer nobody read could not be deleted.
    const minted = await Promise.allSettled(roles.map((role) => this.#mint(role)));
    for (const one of minted) if (one.status === "rejected") throw one.reason;
    await this.#write();
  }

  /** Until the signal. @returns what could not be renewed before it expired, as sentences. */
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
      // Nobody knows when it ends, so nobody can tell when to renew it.
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
    // The next one must not fail because this one did; who waits for this one hears of it.
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

/** Of one execution: another job in the same workspace has other tokens. */
function tokenFile({ records, stage, runId }: Pick<StageContext, "records" | "stage" | "runId">): string {
  return join(records, "tokens", `${stage}-${runId}.json`);
}

/** The tokens of a stage that was killed: what it printed before it knew them is still in its logs. */
export async function tokensLeft(place: Pick<StageContext, "records" | "stage" | "runId">): Promise<string[]> {
  try {
    const content = JSON.parse((await readOwn(tokenFile(place))).toString("utf8")) as TokenFile;
    return Object.values(content).flatMap(({ token }) => (typeof token === "string" ? token : []));
  } catch {
    // None was made, or tests put something else in its place.
    return [];
  }
}

/** After a stage that was killed, and could not remove it. */
export async function removeTokenFile(context: Pick<StageContext, "records" | "stage" | "runId">): Promise<void> {
  const folder = join(context.records, "tokens");
  const file = basename(tokenFile(context));
  // A draft of it, too, where it was killed while it wrote.
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw error;
  });
  for (const name of names) if (name.startsWith(file)) await rm(join(folder, name), { force: true });
}

/** Nobody else on the machine may read it. */
async function writeTokens(file: string, content: TokenFile): Promise<void> {
  await writeOwn(file, `${JSON.stringify(content, undefined, 2)}\n`, { mode: 0o600, folderMode: 0o700 });
}

/** @returns whether the time passed; otherwise the signal came. */
async function pause(milliseconds: number, signal: AbortSignal): Promise<boolean> {
  try {
    await sleep(Math.min(Math.max(milliseconds, 0), longestTimerMs), undefined, { signal });
    return true;
  } catch (error) {
    if (signal.aborted) return false;
    throw error;
  }
}
