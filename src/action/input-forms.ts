import { isCommit, isPlanDigest, stageNames } from "../model/report.ts";
import { stagingTasks } from "../model/staging.ts";
import type { InputName } from "./interface.ts";

/**
 * What inputs accept, as far as their text alone says. The actions read them by this, and the doctor judges workflows by it. Loads
 * nothing heavy, because every step comes through here first.
 */

export interface Form {
  /** Continues "expected …". */
  expected: string;
  accepts: (text: string) => boolean;
  /** If only these are accepted. */
  choices?: readonly string[];
}

export const choices = {
  "fail-on": ["failed", "degraded"],
  scope: ["run", "expired", "all"],
  task: stagingTasks,
  "approve-as": ["app", "reviewer"],
  "on-failure": ["reject", "abstain"],
} as const satisfies Partial<Record<InputName, readonly string[]>>;

/** YAML 1.2's core schema, as in `core.getBooleanInput`. */
const booleans: ReadonlyMap<string, boolean> = new Map([
  ...(["true", "True", "TRUE"] as const).map((text) => [text, true] as const),
  ...(["false", "False", "FALSE"] as const).map((text) => [text, false] as const),
]);

/** @returns undefined for another word */
export function isTrue(text: string): boolean | undefined {
  return booleans.get(text);
}

/** The words of the input `stages`. */
export function stageWords(text: string): string[] {
  return text.split(/[\s,]+/).filter((word) => word !== "");
}

export function unknownStage(words: readonly string[]): string | undefined {
  return words.find((word) => !stageNames.some((stage) => stage === word));
}

export function oneOf(names: readonly string[]): string {
  return `one of ${names.join(", ")}`;
}

function choiceOf(names: readonly string[]): Form {
  return { expected: oneOf(names), accepts: (text) => names.includes(text), choices: names };
}

const truth: Form = { expected: "true or false", accepts: (text) => booleans.has(text) };

export const forms = {
  "fail-on": choiceOf(choices["fail-on"]),
  scope: choiceOf(choices.scope),
  task: choiceOf(choices.task),
  "approve-as": choiceOf(choices["approve-as"]),
  "on-failure": choiceOf(choices["on-failure"]),
  "dry-run": truth,
  comment: truth,
  statuses: truth,
  "plan-digest": { expected: "the 64 hexadecimal digits that the dry run showed", accepts: isPlanDigest },
  "foreign-head": { expected: "the full SHA of a commit", accepts: isCommit },
  stages: {
    expected: 'names of stages, such as "preflight, integration"',
    accepts: (text) => unknownStage(stageWords(text)) === undefined,
  },
} as const satisfies Partial<Record<InputName, Form>>;
