import { isGroup, list, type Path } from "../config/path.ts";
import { nearest } from "../lib/nearest.ts";
import { contextsIn, expressionsIn } from "./expression.ts";
import type { Place } from "./rule.ts";
import type { YamlFile } from "./yaml-file.ts";

/** The words that GitHub's workflow syntax has. A test compares these lists with those of GitHub's own parser. */

export const words = {
  workflow: ["name", "description", "run-name", "on", "permissions", "env", "defaults", "concurrency", "jobs"],
  job: [
    ...["name", "needs", "if", "runs-on", "environment", "permissions", "concurrency", "strategy", "steps", "uses", "with"],
    ...["secrets", "env", "defaults", "outputs", "container", "services", "snapshot"],
    ...["timeout-minutes", "cancel-timeout-minutes", "continue-on-error"],
  ],
  step: [
    ...["name", "id", "if", "uses", "run", "with", "env", "shell", "working-directory", "timeout-minutes"],
    ...["continue-on-error", "background", "wait", "wait-all", "cancel", "parallel"],
  ],
  strategy: ["matrix", "fail-fast", "max-parallel"],
  concurrency: ["group", "cancel-in-progress", "queue"],
  environment: ["name", "url", "deployment"],
  /** Of any event: which has which is not judged. */
  filter: [
    ...["types", "branches", "branches-ignore", "tags", "tags-ignore", "paths", "paths-ignore", "workflows"],
    ...["inputs", "outputs", "secrets", "names", "versions"],
  ],
  event: [
    ...["branch_protection_rule", "check_run", "check_suite", "create", "delete", "deployment", "deployment_status"],
    ...["discussion", "discussion_comment", "fork", "gollum", "image_version", "issue_comment", "issues", "label"],
    ...["merge_group", "milestone", "page_build", "project", "project_card", "project_column", "public", "pull_request"],
    ...["pull_request_comment", "pull_request_review", "pull_request_review_comment", "pull_request_target", "push"],
    ...["registry_package", "release", "repository_dispatch", "schedule", "status", "watch", "workflow_call"],
    ...["workflow_dispatch", "workflow_run"],
  ],
  context: [...["github", "env", "vars", "job", "jobs", "steps", "runner", "secrets", "strategy", "matrix", "needs", "inputs"]],
} as const;

/** A word of a workflow that GitHub doesn't know. */
export interface UnknownWord {
  at: Place;
  /** Begins the message; the word follows. */
  what: string;
  written: string;
  /** What was probably meant; `undefined` if no known word is near. */
  meant: string | undefined;
  known: readonly string[];
}

/**
 * Finds the unknown words of a workflow. Where a known one was probably meant, the file is read as if it were there from now on:
 * so one typing mistake is one finding.
 */
export function correctWords(file: YamlFile): UnknownWord[] {
  const found: UnknownWord[] = [];
  const word = (what: string, written: string, known: readonly string[], at: Place): string | undefined => {
    // Whether GitHub minds the case of a word is not documented.
    if (known.some((one) => one.toLowerCase() === written.toLowerCase())) return undefined;
    const meant = nearest(written, known);
    found.push({ at, what, written, meant, known });
    return meant;
  };
  const keys = (what: string, path: Path, known: readonly string[]): void => {
    const group = file.at(path);
    for (const key of isGroup(group) ? Object.keys(group) : []) {
      // A merge key is a mistake of its own.
      const meant = key === "<<" ? undefined : word(what, key, known, file.keyPlace([...path, key]));
      if (meant !== undefined) file.rename(path, key, meant);
    }
  };
  keys("a workflow has no key", [], words.workflow);
  keys("concurrency has no key", ["concurrency"], words.concurrency);
  events(file, word, keys);
  const jobs = file.at(["jobs"]);
  for (const id of isGroup(jobs) ? Object.keys(jobs) : []) {
    const path = ["jobs", id];
    keys("a job has no key", path, words.job);
    for (const key of ["strategy", "concurrency", "environment"] as const) keys(`${key} has no key`, [...path, key], words[key]);
    for (const index of (list(file.at([...path, "steps"])) ?? []).keys())
      keys("a step has no key", [...path, "steps", index], words.step);
  }
  contexts(file, word);
  return found;
}

type Judge = (what: string, written: string, known: readonly string[], at: Place) => string | undefined;

/** `on:` is one event, a list of events, or a group of events with their filters. */
function events(file: YamlFile, word: Judge, keys: (what: string, path: Path, known: readonly string[]) => void): void {
  const what = "GitHub has no event";
  const on = file.at(["on"]);
  const named = (value: unknown, path: Path): void => {
    const meant = typeof value === "string" ? word(what, value, words.event, file.valuePlace(path)) : undefined;
    if (meant !== undefined) file.replace(path, meant);
  };
  named(on, ["on"]);
  for (const [index, event] of (list(on) ?? []).entries()) named(event, ["on", index]);
  keys(what, ["on"], words.event);
  const written = file.at(["on"]);
  for (const event of isGroup(written) ? Object.keys(written) : []) keys(`${event} has no key`, ["on", event], words.filter);
}

/** Contexts that expressions name, such as `needs` in `toJson(needs)`. */
function contexts(file: YamlFile, word: Judge): void {
  const visit = (value: unknown, path: Path): void => {
    if (typeof value === "string") {
      // Of a job, or of a step. It needs no braces.
      const isCondition =
        path.at(-1) === "if" &&
        path[0] === "jobs" &&
        (path.length === 3 || (path[2] === "steps" && path.length === 5)) &&
        !value.includes("${{");
      for (const expression of isCondition ? [value] : expressionsIn(value))
        for (const name of contextsIn(expression))
          word(
            "expressions have no context",
            name,
            words.context,
            file.placeInside(path, expression, new RegExp(`\\b${name}\\b`)),
          );
    } else if (Array.isArray(value)) for (const [index, item] of value.entries()) visit(item, [...path, index]);
    else if (isGroup(value)) for (const [key, item] of Object.entries(value)) visit(item, [...path, key]);
  };
  visit(file.parsed.data, []);
}
