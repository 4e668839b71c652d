import { type Form, forms, isTrue } from "../../action/input-forms.ts";
import { type Limit, limits } from "../../action/input-limits.ts";
import { type ActionName, type Input, type InputName, inputs, isDeclaredBy } from "../../action/interface.ts";
import { text } from "../../config/path.ts";
import { nearest } from "../../lib/nearest.ts";
import { configuredStages, isComputed, stageJobs } from "../gate.ts";
import type { Found, Place, Rule, Subject } from "../rule.ts";
import { actionSteps, type StageUse, type Step, stepPlace } from "../workflow.ts";

/** Values that a stage refuses as soon as it starts. */

export const readOnlyEnvironment: Rule = {
  code: "ED110",
  severity: "fails",
  title: "The stage writes to a read-only environment",
  meaning:
    "Integration, e2e, and cleanup with `dry-run: false` create or delete test data. In an environment with `access: read-only` they end with exit status 2 (EA2002) before they do anything.",
  cure: "Write `access: test-data` if tests may create data there, or name another environment for the stage.",
  *find(subject) {
    const { configuration } = subject;
    if (!configuration) return;
    const users = new Map<string, { at: Place; stages: Set<string>; name: string }>();
    const add = (stage: string, name: string, at: Place): void => {
      const key = `${at.file}:${at.line}:${at.column}`;
      const known = users.get(key) ?? { at, stages: new Set(), name };
      users.set(key, { ...known, stages: known.stages.add(stage) });
    };
    const accessPlace = (name: string): Place => configuration.file.valuePlace(["environments", name, "access"]);
    for (const { use, name, environment } of configuredStages(subject))
      if (environment.access === "read-only" && writes(use)) {
        const isNamed = use.step.with.environment !== undefined;
        add(use.stage, name, isNamed ? stepPlace(use.step, "with", "environment") : accessPlace(name));
      }
    for (const { stage, name } of stagesOfTerminal(subject))
      if (configuration.environments[name]?.access === "read-only") add(stage, name, accessPlace(name));
    for (const { at, stages, name } of users.values())
      yield { at, message: `${[...stages].join(" and ")} would write to the environment ${name}, which is read-only` };
  },
};

function writes({ stage, step }: StageUse): boolean {
  if (stage === "cleanup") return isTrue(String(step.with["dry-run"] ?? inputs["dry-run"].default).trim()) === false;
  return stage === "integration" || stage === "e2e";
}

/** Without a workflow, `env-actions gate` runs what the configuration has in its default environment. */
function stagesOfTerminal(subject: Subject): { stage: string; name: string }[] {
  const { configuration } = subject;
  const name = configuration?.defaultEnvironment;
  if (!configuration || name === undefined || stageJobs(subject).length > 0) return [];
  return (["integration", "e2e"] as const)
    .filter((stage) => configuration.suite(stage)?.command !== undefined)
    .map((stage) => ({ stage, name }));
}

export const wrongValue: Rule = {
  code: "ED111",
  severity: "fails",
  title: "The input doesn't accept this value",
  meaning:
    "The action ends with exit status 2 (EA1104) before it does anything. A value with `${{ }}` is only known during a run, and isn't judged. [Every input](actions.md)",
  cure: "Write a value that the input accepts.",
  *find({ workflows }) {
    for (const { jobs } of workflows)
      for (const job of jobs) for (const { action, step } of actionSteps(job)) yield* wrongValues(action, step);
  },
};

interface Expectation {
  expected: string;
  accepts: (text: string) => boolean;
  choices?: readonly string[];
}

const expectations: ReadonlyMap<string, Expectation> = new Map<string, Expectation>([
  ...Object.entries<Form>(forms).map(([name, form]) => [name, form] as const),
  ...Object.entries<Limit>(limits).map(
    ([name, { expected, read }]) => [name, { expected, accepts: (one: string) => read(one) !== undefined }] as const,
  ),
]);

function* wrongValues(action: ActionName, step: Step): Iterable<Found> {
  for (const [written, value] of Object.entries(step.with)) {
    // The runner compares names without their case, and hands each value over as text without spaces around it.
    const name = written.toLowerCase();
    const expectation = expectations.get(name);
    if (!expectation || !isDeclaredBy(action, inputs[name as InputName] as Input)) continue;
    if (isComputed(value) || !["string", "number", "boolean"].includes(typeof value)) continue;
    const said = text(value)?.trim() ?? String(value);
    // An empty text counts as left out.
    if (said === "" || expectation.accepts(said)) continue;
    const near = nearest(said, expectation.choices ?? []);
    const hint = near === undefined ? "" : `; did you mean "${near}"?`;
    yield {
      at: stepPlace(step, "with", written),
      message: `${name}: expected ${expectation.expected}, got ${JSON.stringify(said)}${hint}`,
    };
  }
}
