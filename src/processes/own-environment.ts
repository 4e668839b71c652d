import { closeSync, openSync, readFileSync, readSync, writeSync } from "node:fs";

/**
 * The only variable added to the given environment. A process that leaves its group (a daemon) keeps it and is still recognised
 * as ours. Runs may be nested, so it is a list.
 */
export const markVariable = "ENV_ACTIONS_PROCESS";

/** The environment plus a mark that identifies everything started with it, also to another process. */
export function withProcessMark(env: NodeJS.ProcessEnv, mark: string): NodeJS.ProcessEnv {
  return { ...env, [markVariable]: [env[markVariable], mark].filter(Boolean).join(",") };
}

/**
 * Blanks variables of this process for other processes. On Linux, every process of the same user can read the environment it
 * started with in /proc/<pid>/environ, even after changes to `process.env`. The values stay in `process.env`.
 * @returns whether it worked: only Linux has this file, and a sandbox may forbid writing
 */
export function blankOwnEnvironment(isHidden: (name: string) => boolean): boolean {
  if (process.platform !== "linux") return false;
  let memory: number | undefined;
  try {
    const addresses = addressesOfEnvironment();
    if (!addresses) return false;
    memory = openSync("/proc/self/mem", "r+");
    const bytes = Buffer.alloc(addresses.end - addresses.start);
    if (readSync(memory, bytes, 0, bytes.length, addresses.start) !== bytes.length) return false;
    for (const { name, from, to } of variablesIn(bytes)) {
      if (!isHidden(name)) continue;
      // Assigning a value copies it to other memory, so the original place is no longer used.
      const value = process.env[name];
      if (value !== undefined) process.env[name] = value;
      writeSync(memory, Buffer.alloc(to - from, "*"), 0, to - from, addresses.start + from);
    }
    return true;
  } catch {
    // Some containers have no /proc, or allow no writes to it. Then nothing is blanked, as on other systems.
    return false;
  } finally {
    if (memory !== undefined) closeSync(memory);
  }
}

/** The addresses of this process's initial environment, in fields 50 and 51 of `man proc_pid_stat`. */
function addressesOfEnvironment(): { start: number; end: number } | undefined {
  const stat = readFileSync("/proc/self/stat", "latin1");
  // The command's name is in parentheses and can contain anything.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const [start = 0, end = 0] = [fields[47], fields[48]].map(Number);
  return start > 0 && end > start && Number.isSafeInteger(end) ? { start, end } : undefined;
}

function* variablesIn(bytes: Buffer): Generator<{ name: string; from: number; to: number }> {
  for (let start = 0; start < bytes.length; ) {
    const found = bytes.indexOf(0, start);
    const to = found < 0 ? bytes.length : found;
    const equals = bytes.indexOf("=", start);
    if (equals > start && equals < to) yield { name: bytes.toString("latin1", start, equals), from: equals + 1, to };
    start = to + 1;
  }
}
