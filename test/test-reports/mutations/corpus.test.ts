import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Anatomy, anatomyOf } from "./anatomy.ts";
import { operators } from "./operators.ts";
import { complaint, Desk, type Outcome } from "./outcome.ts";
import { Random } from "./random.ts";

/**
 * Damages the reports of the real tools, a million times in the long suite. Each is read or refused, within a second of CPU time,
 * and no failure becomes a pass. A failed case names its SEED and CASE, with which it is repeated alone; CASES is their number.
 */

const corpus = join(import.meta.dirname, "../corpus");
const cases = Number(process.env.CASES ?? (process.env.LONG ? 1_000_000 : 1_000));
const seed = Number(process.env.SEED ?? (process.env.LONG ? Date.now() % 1_000_000 : 4711));
const longestReadUs = 1_000_000;
/** Of a kind: with more, they would hide each other. */
const shown = 12;

const originals: { name: string; anatomy: Anatomy; outcome: Outcome }[] = [];
let desk: Desk;

beforeAll(async () => {
  desk = await Desk.open();
  for (const name of globSync("*/**/*.{xml,json,jsonl,ndjson,tap,trx}", { cwd: corpus }).sort()) {
    if (name.endsWith("runs.json")) continue;
    const bytes = readFileSync(join(corpus, name));
    const anatomy = anatomyOf(name, bytes);
    const outcome = await desk.read(bytes, placeless(anatomy));
    if (outcome !== "refused") originals.push({ name, anatomy, outcome });
  }
});

afterAll(() => desk[Symbol.asyncDispose]());

const placeless = ({ syntax }: Anatomy) => syntax === "tap" || syntax === "lines";

async function timed(bytes: Uint8Array, byName: boolean): Promise<{ outcome: Outcome | "refused"; us: number }> {
  const before = process.cpuUsage();
  const outcome = await desk.read(bytes, byName);
  const { user, system } = process.cpuUsage(before);
  return { outcome, us: user + system };
}

for (const [nth, [kind, operator]] of Object.entries(operators).entries()) {
  test(`reports that are ${kind}`, async () => {
    expect(originals.length).toBeGreaterThan(0);
    const only = process.env.CASE === undefined ? undefined : Number(process.env.CASE);
    const complaints: string[] = [];
    const share = Math.ceil(cases / Object.keys(operators).length);
    for (let number = only ?? 0; number < (only === undefined ? share : only + 1); number++) {
      const random = new Random(seed + nth, number);
      const { name, anatomy, outcome: before } = random.pick(originals);
      const mutation = operator(anatomy, random);
      if (!mutation) continue;
      const said = `${name}, ${mutation.what} (SEED=${seed} CASE=${number})`;
      let read = await timed(mutation.bytes, placeless(anatomy)).catch((error: unknown) => {
        throw new Error(`${said}: neither read nor refused`, { cause: error });
      });
      // The time is the whole process's, which sometimes cleans up after earlier reports.
      for (let again = 0; read.us > longestReadUs && again < 2; again++) read = await timed(mutation.bytes, placeless(anatomy));
      const wrong = read.us > longestReadUs ? `took ${read.us} µs` : complaint(mutation.rule, before, read.outcome);
      if (wrong !== undefined) complaints.push(`${said}: ${wrong}`);
      if (complaints.length >= shown) break;
    }
    expect(complaints).toEqual([]);
  });
}
