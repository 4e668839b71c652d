import { z } from "../../../lib/zod.ts";
import { type Findings, type ReportedTest, UnreadableReport } from "../../reported.ts";
import type { JsonFormat } from "../format.ts";
import { count, validate } from "../json-document.ts";
import { numberIn, objectIn, textIn } from "../lines/lines.ts";
import { outcomeOf, type StepResult } from "./steps.ts";

/** The JSON of Cucumber in all languages, and of behave, godog, pytest-bdd and others that write it too: a list of features. */
export const cucumberJson: JsonFormat = {
  syntax: "json",
  writers: ["Cucumber"],
  recognise: (document) => (Array.isArray(document) && document.every(isFeature) ? "cucumber-json" : undefined),
  read,
};

function isFeature(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  // Older versions leave out the elements of a feature without scenarios.
  return "elements" in value ? Array.isArray(value.elements) : "uri" in value && "keyword" in value;
}

const text = z.string().nullish();

const elementSchema = z.looseObject({
  type: text,
  id: text,
  name: text,
  keyword: text,
  line: count.nullish(),
  /** Only behave gives a scenario a status and a place such as `a.feature:3`. */
  status: text,
  location: text,
});

const reportSchema = z.array(
  z.looseObject({ uri: text, name: text, location: text, elements: z.array(elementSchema).optional() }),
);

type Element = z.output<typeof elementSchema>;
type Feature = z.output<typeof reportSchema>[number];

interface Scenario {
  element: Element;
  steps: Step[];
}

interface Step extends StepResult {
  line: number | undefined;
  durationMs: number;
}

function read(file: string, document: object, findings: Findings): void {
  const features = validate(file, "Cucumber", reportSchema, document);
  features.forEach((feature, index) => {
    if (feature.elements === undefined) requireNoScenarios(file, feature, `[${index}]`);
    for (const attempts of attemptsIn(scenariosOf(file, feature, `[${index}]`))) findings.test(joined(feature, attempts));
  });
}

/** Nothing counts the scenarios of a feature, so nothing else shows that the name of their list is damaged. */
function requireNoScenarios(file: string, feature: Feature, path: string): void {
  for (const [key, value] of Object.entries(feature))
    if (listOf(value).some((item) => "steps" in item || "before" in item || "after" in item))
      throw new UnreadableReport("EA6004", file, "damaged: expected the scenarios of a feature in `elements`", `${path}.${key}`);
}

/** A background stands before each scenario, and belongs to it. */
function scenariosOf(file: string, feature: Feature, path: string): Scenario[] {
  const scenarios: Scenario[] = [];
  let background: Scenario | undefined;
  feature.elements?.forEach((element, index) => {
    const steps = stepsOf(file, element, `${path}.elements[${index}]`, feature.uri == null);
    if (element.type === "background") background = { element, steps: [...(background?.steps ?? []), ...steps] };
    else {
      scenarios.push({ element, steps: [...(background?.steps ?? []), ...steps] });
      background = undefined;
    }
  });
  // Only if no scenario follows.
  return background ? [...scenarios, background] : scenarios;
}

/** Steps and hooks, whatever their key is, in the order of the report. */
function stepsOf(file: string, element: Element, path: string, isBehave: boolean): Step[] {
  const maybeWithoutResult = isBehave && element.status != null;
  const steps = Object.entries(element).flatMap(([key, value]) =>
    listOf(value).flatMap((step, index) => {
      const result = objectIn(step, "result");
      const around = Object.values(step).flatMap((hooks: unknown) => listOf(hooks).flatMap(hookIn));
      const name = `${textIn(step, "keyword") ?? ""}${textIn(step, "name") ?? ""}`;
      if (result) return [stepOf(result, name, numberIn(step, "line"), isBehave), ...around];
      if (key !== "steps" && key !== "before" && key !== "after") return around;
      // behave gives no result to a step that did not run.
      if (maybeWithoutResult) return [stepOf({ status: "untested" }, name), ...around];
      const place = `${path}.${key}[${index}]`;
      throw new UnreadableReport("EA6004", file, "damaged: expected the result of a step, got none", place);
    }),
  );
  return element.status == null ? steps : [...steps, stepOf({ status: element.status }, "")];
}

function listOf(value: unknown): object[] {
  return Array.isArray(value) ? value.filter((item: unknown) => typeof item === "object" && item !== null) : [];
}

/** Before or after a step. */
function hookIn(hook: object): Step[] {
  const result = objectIn(hook, "result");
  return result ? [stepOf(result, "")] : [];
}

function stepOf(result: object, name: string, line?: number, inSeconds = false): Step {
  const duration = numberIn(result, "duration") ?? 0;
  const message: unknown = Reflect.get(result, "error_message");
  return {
    // An absent word is unknown.
    word: (textIn(result, "status") ?? "").toLowerCase(),
    name,
    line,
    // Cucumber counts nanoseconds, behave seconds.
    durationMs: Math.max(inSeconds ? duration * 1_000 : duration / 1_000_000, 0),
    message: Array.isArray(message) ? message.join("\n") : typeof message === "string" ? message : undefined,
  };
}

/**
 * A retried scenario occurs twice in its feature, at the same line and with the same steps. The rows of an outline have different
 * lines.
 */
function attemptsIn(scenarios: readonly Scenario[]): Scenario[][] {
  const groups = new Map<string | Scenario, Scenario[]>();
  for (const scenario of scenarios) {
    const { element, steps } = scenario;
    const identity = JSON.stringify([element.id, element.name, element.line, steps.map(({ name, line }) => [name, line])]);
    const key = element.line == null ? scenario : identity;
    const group = groups.get(key) ?? [];
    groups.set(key, group);
    group.push(scenario);
  }
  return [...groups.values()];
}

function joined(feature: Feature, attempts: readonly Scenario[]): ReportedTest {
  const outcomes = attempts.map(({ steps }) => outcomeOf(steps));
  const last = outcomes.at(-1);
  const failed = outcomes.findLast(({ status }) => status !== "passed" && status !== "skipped");
  const [first] = attempts;
  const place = /^(.*):(\d+)$/.exec(first?.element.location ?? feature.location ?? "");
  const file = (feature.uri ?? place?.[1])?.replace(/^file:(?:\/\/)?/, "");
  const line = first?.element.line ?? Number(place?.[2]);
  const name = first?.element.name || first?.element.keyword || "";
  return {
    titles: [feature.name ?? "", name].filter((title) => title !== ""),
    status: failed ? (last?.status === "passed" ? "flaky" : failed.status) : (last?.status ?? "unknown"),
    durationMs: attempts.flatMap(({ steps }) => steps).reduce((sum, { durationMs }) => sum + durationMs, 0),
    attempts: attempts.length,
    ...(file ? { file } : {}),
    ...(line > 0 ? { line } : {}),
    ...failed?.trouble,
  };
}
