/**
 * Evaluates GitHub's expressions as far as the answer is known without running anything. What isn't known is `unknown`: a rule
 * only reports what must be so, whatever the unknown parts are.
 */

const unknown = Symbol("unknown");
export type Known = string | number | boolean | null | readonly Known[];
type Value = Known | typeof unknown;

/** Known contexts by their path in lower case, such as `github.event_name`. */
export type Contexts = Readonly<Record<string, Known>>;

export type Truth = "yes" | "no" | "unknown";

/** The status functions of a condition; GitHub adds `success()` to a condition that has none. */
const statusFunction = /\b(?:always|cancelled|failure|success)\s*\(\s*\)/i;

export function hasStatusFunction(condition: string): boolean {
  return statusFunction.test(condition);
}

/** Whether the condition lets the job or step run although it failed, was skipped, or the run was cancelled. */
export function runsAlways(condition: string | undefined): boolean {
  return condition !== undefined && /\balways\s*\(\s*\)/i.test(condition);
}

/** Text around `${{ }}` makes a condition a text, which is always true. */
export function isAlwaysTrueText(condition: string): boolean {
  const trimmed = condition.trim();
  if (!trimmed.includes("${{")) return false;
  return !/^\$\{\{(?:(?!\}\}).)*\}\}$/s.test(trimmed);
}

/** Whether a condition of a job or step is met. */
export function truthOf(condition: string | undefined, contexts: Contexts): Truth {
  if (condition === undefined) return "yes";
  if (isAlwaysTrueText(condition)) return "yes";
  const source = condition
    .trim()
    .replace(/^\$\{\{/, "")
    .replace(/\}\}$/, "");
  let value: Value;
  try {
    value = new Evaluation(tokens(source), contexts).whole();
  } catch (error) {
    if (!(error instanceof NotUnderstood)) throw error;
    return "unknown";
  }
  return value === unknown ? "unknown" : isTruthy(value) ? "yes" : "no";
}

/** Conditions are short; a longer one isn't worth the time and the stack that it takes. */
const longest = 10_000;

/** All text inside `${{ }}`, one entry for each. Searched step by step: a pattern would take a day for a file of brackets. */
export function expressionsIn(text: string): string[] {
  const found: string[] = [];
  for (let start = text.indexOf("${{"); start >= 0; ) {
    const end = text.indexOf("}}", start);
    if (end < 0) break;
    if (end - start <= longest) found.push(text.slice(start + 3, end).trim());
    start = text.indexOf("${{", end);
  }
  return found;
}

/** The contexts that an expression names: `needs` and `github` in `needs.a.result == github.ref`. Empty if it can't be read. */
export function contextsIn(source: string): string[] {
  let all: string[];
  try {
    all = tokens(source);
  } catch (error) {
    if (!(error instanceof NotUnderstood)) throw error;
    return [];
  }
  const isContext = (name: string, index: number): boolean =>
    /^[a-z_]/i.test(name) && all[index - 1] !== "." && all[index + 1] !== "(" && !notContexts.has(name.toLowerCase());
  return [...new Set(all.filter(isContext))];
}

const notContexts: ReadonlySet<string> = new Set(["true", "false", "null", "nan", "infinity"]);

class NotUnderstood extends Error {}

const token = /\s+|'(?:[^']|'')*'|-?(?:0x[\da-f]+|\d+(?:\.\d+)?(?:e[+-]?\d+)?)\b|[a-z_][\w-]*|&&|\|\||[!=<>]=|[!<>()[\].,*]/iy;
function tokens(source: string): string[] {
  if (source.length > longest) throw new NotUnderstood();
  const found: string[] = [];
  token.lastIndex = 0;
  while (token.lastIndex < source.length) {
    const match = token.exec(source);
    if (!match) throw new NotUnderstood();
    if (match[0].trim() !== "") found.push(match[0]);
  }
  return found;
}

const deepest = 100;

class Evaluation {
  readonly #tokens: readonly string[];
  readonly #contexts: Contexts;
  #next = 0;
  #depth = 0;

  constructor(all: readonly string[], contexts: Contexts) {
    this.#tokens = all;
    this.#contexts = contexts;
  }

  whole(): Value {
    const value = this.#or();
    if (this.#next < this.#tokens.length) throw new NotUnderstood();
    return value;
  }

  #take(...wanted: string[]): string | undefined {
    const found = this.#tokens[this.#next];
    if (found === undefined || !wanted.includes(found)) return undefined;
    this.#next += 1;
    return found;
  }

  #demand(wanted: string): void {
    if (this.#take(wanted) === undefined) throw new NotUnderstood();
  }

  #or(): Value {
    if (++this.#depth > deepest) throw new NotUnderstood();
    let left = this.#and();
    while (this.#take("||")) left = either(left, this.#and());
    this.#depth -= 1;
    return left;
  }

  #and(): Value {
    let left = this.#comparison();
    while (this.#take("&&")) left = both(left, this.#comparison());
    return left;
  }

  #comparison(): Value {
    const left = this.#unary();
    const operator = this.#take("==", "!=", "<", "<=", ">", ">=");
    if (operator === undefined) return left;
    const right = this.#unary();
    if (left === unknown || right === unknown) return unknown;
    if (operator === "==") return isSame(left, right);
    if (operator === "!=") return !isSame(left, right);
    return unknown;
  }

  #unary(): Value {
    if (++this.#depth > deepest) throw new NotUnderstood();
    let value: Value;
    if (this.#take("!")) {
      const inner = this.#unary();
      value = inner === unknown ? unknown : !isTruthy(inner);
    } else value = this.#primary();
    this.#depth -= 1;
    return value;
  }

  #primary(): Value {
    if (this.#take("(")) {
      const inner = this.#or();
      this.#demand(")");
      return this.#members(inner, undefined);
    }
    const found = this.#tokens[this.#next++];
    if (found === undefined) throw new NotUnderstood();
    if (found.startsWith("'")) return found.slice(1, -1).replaceAll("''", "'");
    if (/^-?\d/.test(found)) return Number(found);
    if (!/^[a-z_]/i.test(found)) throw new NotUnderstood();
    if (this.#take("(")) return this.#members(this.#call(found.toLowerCase()), undefined);
    const constant = constants[found.toLowerCase()];
    return constant !== undefined ? constant : this.#members(unknown, found.toLowerCase());
  }

  #members(start: Value, name: string | undefined): Value {
    let path = name;
    let isPlain = true;
    for (;;) {
      if (this.#take(".")) {
        const member = this.#tokens[this.#next++];
        if (member === undefined) throw new NotUnderstood();
        path = path === undefined ? undefined : `${path}.${member.toLowerCase()}`;
      } else if (this.#take("[")) {
        const index = this.#take("*") ?? this.#or();
        this.#demand("]");
        path = path === undefined || typeof index !== "string" ? undefined : `${path}.${index.toLowerCase()}`;
      } else break;
      isPlain = false;
    }
    if (name === undefined) return isPlain ? start : unknown;
    const value = path === undefined ? undefined : this.#contexts[path];
    return value === undefined ? unknown : value;
  }

  #call(name: string): Value {
    const values: Value[] = [];
    if (!this.#take(")")) {
      do values.push(this.#or());
      while (this.#take(","));
      this.#demand(")");
    }
    const [first, second] = values;
    switch (name) {
      // What is judged is a run in which nothing failed.
      // What is judged is a run in which nothing failed.
      case "always":
      case "success":
        return true;
      case "failure":
      case "cancelled":
        return false;
      case "fromjson":
        return typeof first === "string" ? parsedJson(first) : unknown;
      case "contains":
      case "startswith":
      case "endswith":
        return first === undefined || second === undefined ? unknown : search(name, first, second);
      default:
        return unknown;
    }
  }
}

const constants: Readonly<Record<string, Known | undefined>> = { true: true, false: false, null: null };

function either(left: Value, right: Value): Value {
  if (left !== unknown) return isTruthy(left) ? left : right;
  return right !== unknown && isTruthy(right) ? right : unknown;
}

function both(left: Value, right: Value): Value {
  if (left !== unknown) return isTruthy(left) ? right : left;
  return right !== unknown && !isTruthy(right) ? right : unknown;
}

function isTruthy(value: Known): boolean {
  return !(value === false || value === null || value === "" || value === 0);
}

/** GitHub compares texts without regard to capital letters. */
function isSame(left: Known, right: Known): boolean {
  if (typeof left === "string" && typeof right === "string") return left.toLowerCase() === right.toLowerCase();
  return left === right;
}

function search(name: string, where: Value, what: Value): Value {
  if (where === unknown || what === unknown) return unknown;
  if (Array.isArray(where)) return name === "contains" ? where.some((one: Known) => isSame(one, what)) : unknown;
  const [text, part] = [String(where).toLowerCase(), String(what).toLowerCase()];
  if (name === "contains") return text.includes(part);
  return name === "startswith" ? text.startsWith(part) : text.endsWith(part);
}

function parsedJson(text: string): Value {
  try {
    const value: unknown = JSON.parse(text);
    const isPlain = (one: unknown): one is Known =>
      one === null || ["string", "number", "boolean"].includes(typeof one) || (Array.isArray(one) && one.every(isPlain));
    return isPlain(value) ? value : unknown;
  } catch {
    // GitHub would fail the run; what the condition means stays unknown.
    return unknown;
  }
}
