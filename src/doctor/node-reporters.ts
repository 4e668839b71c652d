import { count } from "../lib/count.ts";

/**
 * The reporters of Node's test runner. Those of NODE_OPTIONS come first, then those of the command: the first reporter writes to
 * the first destination, and so on. With another number of destinations than of reporters, Node ends before it runs a test. Only
 * a single reporter may go without.
 */

export interface Called {
  /** A command and the scripts that it calls. */
  text: string;
  /** Its environment, as `NAME=value`. */
  variables: readonly string[];
}

interface Options {
  reporters: string[];
  destinations: string[];
}

/** @returns the values of an option, as `--option value` or `--option=value` */
export function optionValues(command: string, option: string): string[] {
  return [...command.matchAll(new RegExp(`(?:\\s|=|^)--${option}[=\\s]["']?([^\\s"']+)`, "g"))].map(([, value = ""]) => value);
}

function optionsIn(text: string): Options {
  return {
    reporters: optionValues(text, "test-reporter"),
    destinations: optionValues(text, "test-reporter-destination"),
  };
}

function nodeOptions({ variables }: Called): string {
  return variables.filter((one) => one.startsWith("NODE_OPTIONS=")).join("\n");
}

function allOptions(called: Called): Options {
  return optionsIn(`${nodeOptions(called)}\n${called.text}`);
}

/** What Node doesn't write as a report: `spec`, `dot` and `lcov` are no reports of tests. */
export function nodeNotReports(called: Called): string[] {
  const { reporters, destinations } = allOptions(called);
  return destinations.filter((_, index) => /^(?:spec|dot|lcov)?$/.test(reporters[index] ?? ""));
}

/** Why Node ends before it runs a test. */
export function whyNodeRefuses(called: Called): string | undefined {
  // Of several calls it is unknown which has what.
  if ([...called.text.matchAll(/\s--test(?=\s|$)/g)].length !== 1) return undefined;
  const { reporters, destinations } = allOptions(called);
  const [given, wanted] = [destinations.length, reporters.length];
  if (given === wanted || (given === 0 && wanted === 1)) return undefined;
  const from = optionsIn(nodeOptions(called)).reporters.length > 0 ? ", with those of NODE_OPTIONS" : "";
  return `it ends before the first test, because it has ${count(wanted, "reporter")} and ${count(given, "destination")}${from}`;
}

/** What lets Node write this file. */
export function nodeAdvice(path: string, called: Called): string {
  const report = `--test-reporter=${path.endsWith(".tap") ? "tap" : "junit"} --test-reporter-destination=${path}`;
  const [inVariable, own] = [optionsIn(nodeOptions(called)), optionsIn(called.text)];
  if (inVariable.reporters.length !== inVariable.destinations.length)
    return "In NODE_OPTIONS, give each `--test-reporter` its own `--test-reporter-destination`, such as `stdout`.";
  const isWritten = inVariable.destinations.some((destination) => destination === path);
  const without = own.reporters.length - own.destinations.length;
  const last = [...called.text.matchAll(/--test-reporter(?:-destination)?[=\s]["']?[^\s"']+["']?/g)].at(-1)?.[0];
  if (without === 0 || last === undefined)
    return `Add \`--test-reporter=spec --test-reporter-destination=stdout ${report}\` right behind \`--test\`.`;
  const added = [last, ...Array<string>(Math.max(0, without)).fill("--test-reporter-destination=stdout")];
  const changed = without < 0 ? [report] : [...added, ...(isWritten ? [] : [report])];
  return `In the command, replace \`${last}\` with \`${changed.join(" ")}\`: each reporter needs its own destination.`;
}
