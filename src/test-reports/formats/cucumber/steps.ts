import type { TestStatus } from "../../../model/test-results.ts";
import { messageOf, stackOf } from "../../reported.ts";
import { unknownStatusMessage } from "../json-document.ts";
import { unknownStatus } from "../lines/unknown-status.ts";

/** How a step or a hook of a scenario ended. */
export interface StepResult {
  /** In small letters. */
  word: string;
  /** The step's text, for those that have no message. */
  name: string;
  message: string | undefined;
}

const failing = new Set(["failed", "ambiguous", "undefined", "pending", "error", "hook_error", "cleanup_error"]);
const notRun = new Set(["skipped", "untested"]);

/** Cucumber's default is strict: a scenario with a step that is not written yet fails. */
const unwritten = new Set(["undefined", "pending"]);

export interface Outcome {
  status: TestStatus;
  trouble: { message: string; stack: string } | undefined;
  /** It only fails because Cucumber is strict. */
  unwritten: boolean;
}

/** The first step that failed decides; a step with an unknown word never counts as passed. */
export function outcomeOf(results: readonly StepResult[]): Outcome {
  const failed = results.filter(({ word }) => failing.has(word));
  const [first] = failed.filter(({ word }) => !unwritten.has(word));
  const told = first ?? failed[0];
  if (told) return { status: "failed", trouble: troubleOf(told), unwritten: first === undefined };
  const unknown = results.find(({ word }) => word !== "passed" && !notRun.has(word));
  if (unknown) {
    const message = unknownStatusMessage(unknown.word);
    return { status: unknownStatus, trouble: { message, stack: unknown.message ?? message }, unwritten: false };
  }
  // A scenario without steps did not run.
  const passed = results.length > 0 && results.every(({ word }) => word === "passed");
  return { status: passed ? "passed" : "skipped", trouble: undefined, unwritten: false };
}

function troubleOf({ word, name, message }: StepResult): { message: string; stack: string } {
  const text = message?.trim();
  if (text) return { message: messageOf(text), stack: stackOf(text) };
  const step = name.trim() === "" ? "a step" : `the step "${name.trim()}"`;
  const said = messageOf(`${step} ${word === "failed" ? "failed without a message" : `is ${word}`}`);
  return { message: said, stack: said };
}
