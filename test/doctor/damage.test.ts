import fc from "fast-check";
import { expect, test } from "vitest";
import { parse, stringify } from "yaml";
import { examined, type Files, fixtures } from "./fixture.ts";

/** Whatever stands in the files, the doctor answers: with findings, or by saying that it could not look. */

const all = fixtures();

type Group = Record<string, unknown>;

/** What is written in the wrong place. */
const wrong = fc.oneof(
  fc.constantFrom<unknown>(
    null,
    true,
    0,
    -1,
    1e300,
    "",
    "*",
    "${{",
    "}}",
    "${{ x",
    "@",
    "./",
    "$/",
    "docker://",
    "a@b@c",
    "../..",
    "::error::x",
  ),
  fc.constantFrom<unknown>([], [[]], [null], {}, { a: {} }, [{ uses: 1, with: [], env: "x", if: {} }], { jobs: { a: null } }),
  fc.string(),
);

/** Replaces or removes one value somewhere in the data. */
function damaged(value: unknown, way: readonly number[], what: unknown, index = 0): unknown {
  const step = way[index];
  if (step === undefined || typeof value !== "object" || value === null) return what;
  const keys = Object.keys(value);
  const key = keys[step % Math.max(1, keys.length)];
  if (key === undefined) return what;
  const copy = (Array.isArray(value) ? [...value] : { ...value }) as Group;
  copy[key] = damaged(copy[key], way, what, index + 1);
  return copy;
}

test("damaged files are answered, not thrown at", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.nat(all.length - 1),
      fc.array(fc.tuple(fc.nat(), fc.array(fc.nat(), { minLength: 1, maxLength: 7 }), wrong), { minLength: 1, maxLength: 3 }),
      async (index, damages) => {
        const files: Files = { ...all[index]?.planted };
        for (const [which, way, what] of damages) {
          const names = Object.keys(files).filter((name) => /\.(?:ya?ml|json)$/.test(name));
          const name = names[which % names.length] ?? "";
          let data: unknown;
          try {
            data = parse(files[name] ?? "", { uniqueKeys: false });
          } catch {
            continue;
          }
          files[name] = name.endsWith(".json") ? JSON.stringify(damaged(data, way, what)) : stringify(damaged(data, way, what));
        }
        const { findings, notLookedAt } = await examined(files);
        for (const { line, column, message, cure } of findings) {
          expect(line).toBeGreaterThan(0);
          expect(column).toBeGreaterThan(0);
          expect(message).not.toMatch(/undefined|\[object/);
          expect(cure).not.toBe("");
        }
        expect(notLookedAt.every(({ why }) => why !== "")).toBe(true);
      },
    ),
    { numRuns: 120 },
  );
});

test("a file that is cut anywhere, or has bytes of anything, is answered", async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(all.length - 1), fc.nat(), fc.string({ maxLength: 20 }), async (index, cut, between) => {
      const files: Files = { ...all[index]?.planted };
      for (const name of Object.keys(files)) {
        const text = files[name] ?? "";
        const at = cut % (text.length + 1);
        files[name] = text.slice(0, at) + between + (cut % 2 === 0 ? text.slice(at) : "");
      }
      const { findings, lookedAt } = await examined(files);
      expect(findings.length > 0 || lookedAt.stages >= 0).toBe(true);
    }),
    { numRuns: 80 },
  );
});
