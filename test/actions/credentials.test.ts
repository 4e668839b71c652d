import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { samples, writtenFor } from "../init/repositories.ts";

/** In every workflow that we run, write or show, credentials go to the step of ours that needs them, and to nothing else. */

const repository = join(import.meta.dirname, "../..");
const files = globSync(["{.github,examples/*/.github}/workflows/*.yml", "README.md", "docs/**/*.md", "examples/*/README.md"], {
  cwd: repository,
});

interface Job {
  env?: unknown;
  container?: unknown;
  services?: unknown;
  permissions?: unknown;
  uses?: string;
  secrets?: Record<string, string>;
  steps?: Record<string, unknown>[];
}
interface Workflow {
  env?: unknown;
  permissions?: unknown;
  jobs: Record<string, Job>;
}

/** Of Markdown, each block of YAML with jobs. */
const workflows = [
  ...files.flatMap((file) => {
    const text = readFileSync(join(repository, file), "utf8");
    const blocks = file.endsWith(".md") ? [...text.matchAll(/^```yaml\n(.*?)^```/gms)].map(([, block = ""]) => block) : [text];
    return blocks
      .filter((block) => /^jobs:/m.test(block))
      .map((block, index) => [file.endsWith(".md") ? `${file}, block ${index + 1}` : file, parse(block) as Workflow] as const);
  }),
  ...Object.entries(samples).flatMap(([name, sample]) =>
    writtenFor(sample).workflows.map(
      ({ path, text }) => [`what init writes: ${path} for ${name}`, parse(text) as Workflow] as const,
    ),
  ),
  ...Object.entries(samples).flatMap(([name, sample]) =>
    writtenFor(sample, { isStandalone: false }).workflows.map(
      ({ path, text }) => [`what init writes, if it may call: ${path} for ${name}`, parse(text) as Workflow] as const,
    ),
  ),
];

const secret = /\bsecrets\b/;
const holds = (value: unknown) => secret.test(JSON.stringify(value ?? ""));
/** Our command line at a fixed commit, in a single command, is our own step too: undo and repair are no actions. */
const ourCommand = /^npx --yes --package=github:classwaves\/env-actions#\S+ env-actions (?:[^\n;&|`]|\\\n)*\n?$/;
const isOurs = ({ uses, run }: Record<string, unknown>) =>
  /^(?:\$\/actions\/|classwaves\/env-actions)/.test(String(uses)) || ourCommand.test(String(run));

test("there are workflows in every kind of file", () => {
  const names = workflows.map(([name]) => name).join("\n");
  for (const kind of [
    /^README\.md, block 1$/m,
    /^docs\/trust\.md/m,
    /^docs\/guides\/first-gate\.md/m,
    /^\.github\/workflows/m,
    /^what init writes: \.github\/workflows\/quality-gate\.yml for ClassWaves$/m,
  ])
    expect(names).toMatch(kind);
});

describe.each(workflows)("%s", (_, { env, permissions, jobs }) => {
  test("gives no secret to the workflow or to a job", () => {
    expect(holds(env)).toBe(false);
    for (const [name, job] of Object.entries(jobs)) expect([job.env, job.container, job.services].some(holds), name).toBe(false);
  });

  test("names each secret that it hands to a workflow, and hands them to our own only", () => {
    for (const { uses = "", secrets } of Object.values(jobs)) {
      if (secrets === undefined) continue;
      expect(uses).toMatch(/^classwaves\/env-actions\/\.github\/workflows\/quality-gate\.yml@/);
      for (const [name, value] of Object.entries(secrets)) expect(value).toBe(`\${{ secrets.${name} }}`);
    }
  });

  test("gives secrets only to our own steps, as environment variables", () => {
    for (const step of Object.values(jobs).flatMap((job) => job.steps ?? [])) {
      const { env: own, ...all } = step;
      // GitHub's own action takes an app's key as an input only.
      const isTokenMaker = /^actions\/create-github-app-token@[0-9a-f]{40}$/.test(String(step.uses));
      const rest = isTokenMaker ? { ...all, with: { ...(all.with as object), "private-key": undefined } } : all;
      expect(holds(rest), JSON.stringify(step)).toBe(false);
      if (holds(own)) expect(isOurs(step), JSON.stringify(step)).toBe(true);
    }
  });

  test("requests an id token for single jobs only", () => {
    expect(JSON.stringify(permissions ?? {})).not.toContain("write");
  });

  test("keeps no credential in a checkout", () => {
    for (const step of Object.values(jobs).flatMap((job) => job.steps ?? []))
      if (/^actions\/checkout@/.test(String(step.uses))) expect(step).toHaveProperty(["with", "persist-credentials"], false);
  });
});
