import { readFile } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { beforeAll, expect, test } from "vitest";
import { UnreadableReport } from "../../src/test-reports/reported.ts";
import { everyReport, fixtures, readText, trouble } from "./reports.ts";

/**
 * A damaged report must not become a better one. This is guaranteed:
 *
 * - if cut anywhere before its last character, it is refused: both formats have a mandatory end;
 * - with any single byte changed, it is refused or shows at least as many problems (failed tests and crashed suites) as before;
 * - with any change, it gives results or UnreadableReport, never another error, within a second.
 *
 * Not guaranteed: several changed bytes may spell "passed" instead of "failed". That doesn't happen by chance, only on purpose.
 */

const originals = new Map<string, { bytes: Buffer; trouble: number }>();

beforeAll(async () => {
  for (const report of everyReport) {
    const bytes = await readFile(join(fixtures, report));
    originals.set(report, { bytes, trouble: trouble(await readText(bytes)) });
  }
});

function original(report: string): { bytes: Buffer; trouble: number } {
  const found = originals.get(report);
  if (!found) throw new Error(`no fixture ${report}`);
  return found;
}

/** CPU time, so that a busy machine changes nothing. */
const longestReadUs = 1_000_000;

async function readOnce(bytes: Uint8Array): Promise<{ result: number | "refused"; us: number }> {
  const before = process.cpuUsage();
  const result = await readText(bytes).then(trouble, (error: unknown) => {
    if (error instanceof UnreadableReport) return "refused" as const;
    throw error;
  });
  const { user, system } = process.cpuUsage(before);
  return { result, us: user + system };
}

/**
 * The number of problems, or `refused`. Any other error fails the test, and so does a report that always takes a second to read.
 * The CPU time is the whole process's, which sometimes includes garbage collection for earlier files.
 */
async function outcome(bytes: Uint8Array): Promise<number | "refused"> {
  let read = await readOnce(bytes);
  for (let again = 0; read.us > longestReadUs && again < 2; again++) read = await readOnce(bytes);
  if (read.us > longestReadUs) throw new Error(`it took ${read.us} µs to read ${bytes.length} bytes, three times`);
  return read.result;
}

const runs = process.env.LONG ? 25_000 : 500;
// Not a speed limit: it only ends a hang. LONG runs have more to do.
const timeout = process.env.LONG ? 600_000 : 120_000;
const report = fc.constantFrom(...everyReport);
const place = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
const at = (bytes: Buffer, share: number) => Math.floor(share * bytes.length);

test(
  "a truncated report is refused",
  async () => {
    const property = fc.asyncProperty(report, place, async (name, share) => {
      const { bytes } = original(name);
      const end =
        bytes.toString().trimEnd().length === bytes.length ? bytes.length : Buffer.from(bytes.toString().trimEnd()).length;
      expect(await outcome(bytes.subarray(0, Math.min(at(bytes, share), end - 1)))).toBe("refused");
    });
    await fc.assert(property, { numRuns: runs });
  },
  timeout,
);

test(
  "one changed byte never hides a problem",
  async () => {
    const property = fc.asyncProperty(report, place, fc.integer({ min: 0, max: 255 }), async (name, share, byte) => {
      const { bytes, trouble: before } = original(name);
      const changed = Buffer.from(bytes);
      changed[at(bytes, share)] = byte;
      const after = await outcome(changed);
      if (after !== "refused") expect(after).toBeGreaterThanOrEqual(before);
    });
    await fc.assert(property, { numRuns: runs });
  },
  timeout,
);

/** Bytes that form a format's structure do the most damage. */
const structural = fc.constantFrom(...Buffer.from("<>/\"'&[]{}:,\\!-?= \n0a"));

test(
  "one changed byte of the structure never hides a problem",
  async () => {
    const property = fc.asyncProperty(report, place, structural, async (name, share, byte) => {
      const { bytes, trouble: before } = original(name);
      const changed = Buffer.from(bytes);
      changed[at(bytes, share)] = byte;
      const after = await outcome(changed);
      if (after !== "refused") expect(after).toBeGreaterThanOrEqual(before);
    });
    await fc.assert(property, { numRuns: runs });
  },
  timeout,
);

const change = fc.oneof(
  fc.record({ kind: fc.constant("write" as const), place, data: fc.uint8Array({ maxLength: 8 }) }),
  fc.record({ kind: fc.constant("drop" as const), place, length: fc.nat({ max: 200 }) }),
  fc.record({ kind: fc.constant("repeat" as const), place, length: fc.nat({ max: 2_000 }) }),
);

test(
  "any changed report is read or refused",
  async () => {
    const property = fc.asyncProperty(report, fc.array(change, { minLength: 1, maxLength: 5 }), async (name, changes) => {
      let { bytes } = original(name);
      for (const one of changes) {
        const from = at(bytes, one.place);
        const [head, tail] = [bytes.subarray(0, from), bytes.subarray(from)];
        if (one.kind === "write") bytes = Buffer.concat([head, one.data, tail.subarray(one.data.length)]);
        else if (one.kind === "drop") bytes = Buffer.concat([head, tail.subarray(one.length)]);
        else bytes = Buffer.concat([head, tail.subarray(0, one.length), tail]);
      }
      await outcome(bytes);
    });
    await fc.assert(property, { numRuns: runs });
  },
  timeout,
);
