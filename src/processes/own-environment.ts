import { closeSync, openSync, readFileSync, readSync, writeSync } from "node:fs";

/**
 * Blanks variables of this process where others look for them: on Linux every process of the same user can read what this one was
 * started with in /proc/<pid>/environ, whatever is deleted from `process.env` later. The values stay in `process.env`.
 * @returns whether it could be done; only Linux has such a file, and a sandbox may forbid it
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
      // Written anew, it lies elsewhere; what stands here is then nobody's any more.
      const value = process.env[name];
      if (value !== undefined) process.env[name] = value;
      writeSync(memory, Buffer.alloc(to - from, "*"), 0, to - from, addresses.start + from);
    }
    return true;
  } catch {
    // Some containers have no /proc, or allow no write to it: then it is as on other systems.
    return false;
  } finally {
    if (memory !== undefined) closeSync(memory);
  }
}

/** Where the kernel finds the environment that this process was started with; in the fields that `man proc_pid_stat` numbers 50 and 51. */
function addressesOfEnvironment(): { start: number; end: number } | undefined {
  const stat = readFileSync("/proc/self/stat", "latin1");
  // The command's name stands in parentheses and may hold anything.
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
