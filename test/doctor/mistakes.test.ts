import { describe, expect, test } from "vitest";
import { ruleAreas } from "../../src/doctor/registry.ts";
import { base, examined, fixtures } from "./fixture.ts";

/** Each planted mistake is found once, where it is; its mended twin has none. */

const all = fixtures();
const shown = ({ findings }: Awaited<ReturnType<typeof examined>>) =>
  findings.map(({ code, file, line, message }) => `${code} ${file}:${line} ${message}`);

test("the project without a mistake has none", async () => {
  const { findings, lookedAt } = await examined(base);
  expect(findings).toEqual([]);
  expect(lookedAt).toMatchObject({ stages: 3, configuration: ".github/env-actions.yml" });
});

describe.each(all)("$name", ({ code, planted, here }) => {
  test("is found once, at its line", async () => {
    const found = await examined(planted);
    expect(
      found.findings.map((one) => `${one.code} ${one.file}:${one.line}`),
      shown(found).join("\n"),
    ).toEqual([`${code} ${here}`]);
  });
});

// The twin of a change is the base, which is examined above.
test.each(all.filter(({ mended }) => JSON.stringify(mended) !== JSON.stringify(base)))(
  "$name is gone when it is mended",
  async ({ mended }) => {
    expect(shown(await examined(mended))).toEqual([]);
  },
);

test("each rule that reads files has a fixture", () => {
  const planted = new Set(all.map(({ code }) => code));
  const elsewhere = [
    // The address of the remote repository is in .git, which a fixture can't have: places.test.ts
    "ED602",
    "ED604",
    // Only the environment says it: environment.test.ts
    "ED801",
    "ED802",
  ];
  const codes = ruleAreas.flatMap(({ rules }) => rules.map((rule) => rule.code));
  expect(codes.filter((code) => !planted.has(code))).toEqual(elsewhere);
  expect(all.length).toBeGreaterThanOrEqual(60);
});
