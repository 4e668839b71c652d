import type { TestStatus } from "../../../model/test-results.ts";
import { messageOf, stackOf } from "../../reported.ts";

/** The message of a failure. Writers put it into an attribute, into the text, or only into the output of the test. */

export interface Trouble {
  /** The name of the element. */
  kind: string;
  attributes: Record<string, string>;
  text: string;
}

/** Messages that writers use for every failure of a kind. */
const wordsForAny = new Set(["", "Failed", "Build error", "Runtime error", "collection failure"]);

/** This many failures of a test are shown. */
const mostFailures = 10;
const longestMessage = 2_000;

export interface Failure {
  message: string;
  stack: string;
  errored?: true;
}

/** The text of a test that is not its failure, for one whose failure has none. */
export interface Beside {
  /** What the tool calls the test; it may be repeated in front of the message. */
  names: readonly string[];
  /** The end of what the test printed. */
  output: string;
  /** What is known if nothing else is. */
  status?: string;
}

/** Not of an attempt. */
export function isFinal({ kind }: Trouble): boolean {
  return kind === "failure" || kind === "error";
}

/** All failures of a test, or of a suite, as one. */
export function failureOf(troubles: readonly Trouble[], status: TestStatus, beside: Beside): Failure {
  const final = troubles.filter(isFinal);
  // Of attempts before a success, the first says why.
  const counted = status === "flaky" ? troubles.slice(0, 1) : final.length > 0 ? final : troubles;
  const all = counted.map((trouble) => messageFrom(trouble, beside.names)).filter((text) => text !== "");
  const texts = [...new Set(counted.map(({ text }) => withoutJson(text)).filter((text) => text.trim() !== ""))];
  const isError = status === "failed" && counted.length > 0 && counted.every(({ kind }) => kind.endsWith("rror"));
  // CTest says no more than "Failed", and what it printed says why.
  const own = all.filter((text) => !wordsForAny.has(text));
  const output = own.length + texts.length === 0 ? beside.output.trim() : "";
  const messages = [...new Set(own.length > 0 || output !== "" ? own : all)];
  const type = counted[0]?.attributes.type ?? "";
  return {
    message: joined(messages) || messageOf(beginOf(output)) || beside.status || type || "the report gives no message",
    stack: stackOf(texts.join("\n\n") || output || stackIn(beside.output, messages[0]) || joined(messages) || type),
    ...(isError ? { errored: true } : {}),
  };
}

function joined(messages: readonly string[]): string {
  const more = messages.length - mostFailures;
  const text = messages.slice(0, mostFailures).join("\n");
  const cut = text.length > longestMessage ? `${text.slice(0, longestMessage)}…` : text;
  return more > 0 ? `${cut}\n… and ${more} more failures` : cut;
}

function messageFrom({ attributes, text }: Trouble, names: readonly string[]): string {
  const said = (attributes.message ?? "").trim();
  const rest = pytestError(said, text) || ownWords(withoutJson(text), names);
  if (!wordsForAny.has(said) && !(rest !== "" && isClass(said, attributes.type))) return messageOf(said);
  return messageOf(rest) || messageOf(said);
}

/** pytest marks with `E` what went wrong. A file that cannot be collected has calls of Python's importer before it. */
function pytestError(said: string, text: string): string {
  if (said !== "collection failure") return "";
  const marked = text.split("\n").flatMap((line) => /^E {3}(.*)/.exec(line)?.[1] ?? []);
  return marked.join("\n").trim();
}

/** A class's name alone says less than the text. */
function isClass(text: string, type: string | undefined): boolean {
  if (text === type?.trim()) return true;
  return (
    text.length < 300 &&
    /^[A-Za-z_$][\w$]*(?:(?:\.|\\|::)[\w$]+)*$/.test(text) &&
    /[.\\:]|(?:Error|Exception|Failure)$/.test(text)
  );
}

const barePlace = /^(?:[A-Za-z]:)?[^\s:]+\.\w{1,8}(?::\d+){1,2}:?$/;

function rest(text: string, start: string): string {
  return text.startsWith(start) ? text.slice(start.length, start.length + 20) : "";
}

/** PHPUnit puts the test's name above the message, and its place below. */
function ownWords(text: string, names: readonly string[]): string {
  const lines = text.trim().split("\n", 50);
  const first = lines[0]?.trim() ?? "";
  const isName = names.some(
    (name) => first === name || (name.includes("::") && /^ (?:with data set |\()/.test(rest(first, name))),
  );
  const from = isName && lines.length > 1 ? 1 : 0;
  const place = lines.findIndex((line, index) => index > from && barePlace.test(line.trim()));
  return lines
    .slice(from, place < 0 ? undefined : place)
    .join("\n")
    .trim();
}

/** jest-junit writes the error of a hook as JSON. */
function withoutJson(text: string): string {
  return /^\{"message":".*?","stack":"(.*)"\}$/s.exec(text)?.[1]?.replaceAll("\\n", "\n") ?? text;
}

/** WebdriverIO writes the stack of a failure only as output. It begins with the message. */
function stackIn(output: string, message: string | undefined): string {
  const first = message?.split("\n", 1)[0] ?? "";
  const at = first.length > 2 ? output.indexOf(first) : -1;
  return at < 0 ? "" : output.slice(output.lastIndexOf("\n", at) + 1);
}

const soundsWrong = /\b(?:error|exception|fail(?:ed|ure)?|fatal|panic(?:ked)?|assert\w*|expected)\b|Error:|Exception:/i;

/** Of what a test printed, from the first line that sounds like an error. */
function beginOf(output: string): string {
  const lines = output.split("\n");
  if (lines.length <= 5) return output;
  const wrong = lines.findIndex((line) => soundsWrong.test(line));
  return lines.slice(wrong < 0 ? -5 : wrong).join("\n");
}
