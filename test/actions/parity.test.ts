import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { generatedFiles } from "../../scripts/generate.ts";
import { actionNames, type Input, inputs, outputs, stageActions } from "../../src/action/interface.ts";
import { declaredFor } from "./declared.ts";

/**
 * Declared = generated = read or set in code = documented. An input that is declared and never read, or an output that is documented and
 * never set, is a promise that nobody keeps, and nothing else notices it.
 */

const repository = join(import.meta.dirname, "../..");
const read = (path: string) => readFileSync(join(repository, path), "utf8");

interface Metadata {
  inputs: Record<string, { description: string; required: boolean; default?: string }>;
  outputs: Record<string, { description: string; value?: string }>;
  runs: { using: string; main?: string; post?: string; steps?: { id: string; uses: string; with: Record<string, string> }[] };
}

const metadata = (path: string) => parse(read(path)) as Metadata;

test("generated files match the code", () => {
  const files = generatedFiles();
  expect(files.length).toBeGreaterThan(10);
  for (const { path, content } of files) expect(content, `${path}: run node scripts/generate.ts`).toBe(read(path));
});

describe.each([
  ["action.yml", "dist/index.js"],
  ["actions/core/action.yml", "../../dist/index.js"],
])("%s", (path, main) => {
  test("declares every input, including the stage, and every output", () => {
    expect(Object.keys(metadata(path).inputs)).toEqual(["stage", ...Object.keys(inputs)]);
    expect(Object.keys(metadata(path).outputs)).toEqual(Object.keys(outputs));
    expect(metadata(path).inputs.stage?.required).toBe(true);
  });

  test("runs the bundle as main and post step", () => {
    expect(metadata(path).runs).toEqual({ using: "node24", main, post: main, "post-if": "always()" });
  });
});

test.each(stageActions)("the composite of %s passes on the cell of the job's matrix", (stage) => {
  const composite = metadata(`actions/${stage}/action.yml`);
  expect(composite.inputs.matrix?.default).toBe("${{ toJson(matrix) }}");
  expect(composite.runs.steps?.[0]?.with.matrix).toBe("${{ inputs.matrix }}");
});

describe.each(actionNames)("the composite of %s", (stage) => {
  const composite = metadata(`actions/${stage}/action.yml`);
  const declared = declaredFor(stage, inputs);

  test("declares the stage's inputs, with the core's defaults", () => {
    expect(Object.keys(composite.inputs)).toEqual(declared);
    const core = metadata("actions/core/action.yml");
    for (const name of declared) expect(composite.inputs[name]?.default, name).toBe(core.inputs[name]?.default);
  });

  test("passes every input to the core, with its stage", () => {
    const [step, ...more] = composite.runs.steps ?? [];
    expect(more).toEqual([]);
    expect(step?.uses).toBe("$/actions/core");
    expect(step?.with).toEqual({ stage, ...Object.fromEntries(declared.map((name) => [name, `\${{ inputs.${name} }}`])) });
  });

  test("returns every output of the core", () => {
    const values = Object.fromEntries(Object.entries(composite.outputs).map(([name, { value }]) => [name, value]));
    expect(values).toEqual(
      Object.fromEntries(declaredFor(stage, outputs).map((name) => [name, `\${{ steps.core.outputs.${name} }}`])),
    );
  });

  test("is documented in docs/reference with every input and output", () => {
    const section =
      read("docs/reference/actions.md")
        .split("## `classwaves/env-actions")
        .find((text) => text.startsWith(`/${stage}@v1\``)) ?? "";
    const rows = [...section.matchAll(/^\| `([a-z-]+)` \|/gm)].map((match) => match[1]);
    // What the runner fills in is nobody's to write.
    const written = declared.filter((name) => !(inputs as Record<string, Input>)[name]?.hidden);
    expect(rows).toEqual([...written, ...declaredFor(stage, outputs)]);
  });
});

describe("the code", () => {
  const code = globSync("src/action/**/*.ts", { cwd: repository })
    .filter((path) => path !== join("src", "action", "interface.ts"))
    .map(read)
    .join("\n");
  const isNamed = (name: string) => code.includes(`"${name}"`) || new RegExp(`(^\\s*|[{,]\\s*)${name}:`, "m").test(code);

  test.each(["stage", ...Object.keys(inputs)])("reads the input %s", (name) => expect(code).toContain(`"${name}"`));
  test.each(Object.keys(outputs))("sets the output %s", (name) => expect(isNamed(name)).toBe(true));
});
