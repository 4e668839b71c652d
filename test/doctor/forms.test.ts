import fc from "fast-check";
import { expect, test } from "vitest";
import { Document, isCollection, isScalar, parse, visit } from "yaml";
import { examined, type Files, fixtures } from "./fixture.ts";

/** A workflow means the same in every form that YAML and GitHub allow, so the doctor says the same about it. */

/** What YAML can't write in another way: a duplicate key, a merge key, and a comment. */
const all = fixtures().filter(({ code }) => code !== "ED102" && code !== "ED108");
const known = new Map<string, string[]>();

async function said(files: Files): Promise<string[]> {
  const { findings } = await examined(files);
  return [...new Set(findings.map(({ code, message }) => `${code} ${message}`))].sort();
}

type Group = Record<string, unknown>;

const isGroup = (value: unknown): value is Group => typeof value === "object" && value !== null && !Array.isArray(value);

/** Other spellings of the same workflow, one decision after the other. */
function respelled(workflow: Group, decide: () => number): Group {
  const either = () => decide() % 2 === 0;
  const oneOrList = (value: unknown) => (typeof value === "string" && either() ? [value] : value);
  const condition = (value: unknown) =>
    typeof value === "string" && !value.includes("${{") && !value.includes("!") && either() ? `\${{ ${value} }}` : value;
  const concurrency = (value: unknown) => (typeof value === "string" && either() ? { group: value } : value);
  const jobs = Object.entries((workflow.jobs ?? {}) as Record<string, Group>).map(([id, job]) => {
    const changed: Group = { ...job };
    if (job.needs !== undefined) changed.needs = oneOrList(job.needs);
    if (job["runs-on"] !== undefined) changed["runs-on"] = oneOrList(job["runs-on"]);
    if (job.if !== undefined) changed.if = condition(job.if);
    if (job.concurrency !== undefined) changed.concurrency = concurrency(job.concurrency);
    if (typeof job.environment === "string" && either()) changed.environment = { name: job.environment };
    return [id, changed];
  });
  return {
    ...workflow,
    on: spelledEvents(workflow.on, decide),
    ...(workflow.concurrency === undefined ? {} : { concurrency: concurrency(workflow.concurrency) }),
    jobs: Object.fromEntries(jobs),
  };
}

function spelledEvents(on: unknown, decide: () => number): unknown {
  const events = typeof on === "string" ? [on] : on;
  if (Array.isArray(events)) {
    const way = decide() % 3;
    if (way === 0) return Object.fromEntries(events.map((event) => [event, null]));
    return way === 1 && events.length === 1 ? events[0] : events;
  }
  if (!isGroup(events) || Object.values(events).some((filters) => filters !== null)) return on;
  return decide() % 2 === 0 ? Object.keys(events) : on;
}

/** Another way to write the same data: block or flow, quotes or none, anchors or copies. */
function rewritten(workflow: Group, decide: () => number): string {
  const document = new Document(workflow, { aliasDuplicateObjects: decide() % 2 === 0 });
  visit(document, {
    Node(role, node) {
      if (isCollection(node)) node.flow = decide() % 5 === 0;
      // A key has one line.
      const line = ["PLAIN", "QUOTE_DOUBLE", "QUOTE_SINGLE"] as const;
      const ways = role === "key" ? line : ([...line, "BLOCK_LITERAL"] as const);
      if (isScalar(node) && typeof node.value === "string") node.type = ways[decide() % ways.length] ?? "PLAIN";
    },
  });
  const text = document.toString({ lineWidth: [80, 0][decide() % 2], indent: 2 + (decide() % 3) });
  expect(parse(text)).toEqual(workflow);
  return decide() % 2 === 0 ? text : text.replaceAll("\n", "\r\n");
}

test("the same workflow in another form gives the same findings", async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(all.length - 1), fc.infiniteStream(fc.nat(1_000)), async (index, decisions) => {
      const fixture = all[index];
      if (!fixture) return;
      const decide = () => decisions.next().value as number;
      const expected = known.get(fixture.name) ?? (await said(fixture.planted));
      known.set(fixture.name, expected);
      const files = Object.entries(fixture.planted).map(([name, text]) =>
        name.startsWith(".github/workflows/") ? [name, rewritten(respelled(parse(text) as Group, decide), decide)] : [name, text],
      );
      expect(await said(Object.fromEntries(files))).toEqual(expected);
    }),
    { numRuns: 80 },
  );
});
