import { expect, test } from "vitest";
import { readInputs } from "../../src/action/inputs.ts";

/** What needs no configuration to be seen to be wrong is told before any of it is read. */

function mistakes(inputs: Record<string, string>): string[] {
  const env = Object.fromEntries(Object.entries(inputs).map(([name, value]) => [`INPUT_${name.toUpperCase()}`, value]));
  const read = readInputs({ INPUT_STAGE: "cleanup", ...env });
  return read.ok ? [] : read.mistakes;
}

const digest = "0123456789abcdef".repeat(4);

test("scope all needs a plan digest to delete, and other scopes and previews do not", () => {
  expect(mistakes({ scope: "all", "dry-run": "false" })).toEqual([
    "the input `plan-digest` is missing, and `scope: all` with `dry-run: false` requires it: run it with `dry-run: true`, read the plan, and pass the digest that it shows",
  ]);
  expect(mistakes({ scope: "all", "dry-run": "false", "plan-digest": digest })).toEqual([]);
  expect(mistakes({ scope: "all" })).toEqual([]);
  expect(mistakes({ scope: "expired", "dry-run": "false" })).toEqual([]);
});

test.each(["12345", digest.slice(1), `${digest}0`, digest.replace("f", "g"), digest.toUpperCase()])(
  "an invalid plan digest is refused: %s",
  (wrong) => {
    expect(mistakes({ "plan-digest": wrong })).toEqual([
      `the input \`plan-digest\`: expected the 64 hexadecimal digits that the dry run showed, got "${wrong}"`,
    ]);
  },
);

test("booleans are read as GitHub reads them, and other values are refused", () => {
  const dryRun = (text: string) => {
    const read = readInputs({ INPUT_STAGE: "cleanup", "INPUT_DRY-RUN": text });
    return read.ok ? read.inputs.dryRun : read.mistakes;
  };
  expect(["true", "True", "TRUE", "false", "False", "FALSE", ""].map(dryRun)).toEqual([
    true,
    true,
    true,
    false,
    false,
    false,
    true,
  ]);
  for (const wrong of ["yes", "0", "fAlse"])
    expect(dryRun(wrong)).toEqual([`the input \`dry-run\`: expected true or false, got "${wrong}"`]);
  expect(mistakes({ "fail-on": "warnings" })).toEqual(['the input `fail-on`: expected one of failed, degraded, got "warnings"']);
});
