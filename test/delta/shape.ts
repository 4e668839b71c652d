import type { Statement } from "../../local/warehouse/sql/ast.ts";
import { parseStatement } from "../../local/warehouse/sql/parse-statement.ts";

/**
 * The shape of a statement: its syntax without names and values, in parts. A list counts once for each kind of member: IN with three
 * values is IN with one, and each branch of UNION ALL or OR is a part of its own, because such statements put together what they
 * need at the time. A statement brings something new to a comparison if one of its parts is new.
 */
export function shapeOf(sql: string): string[] {
  const parts = new Set<string>();
  parts.add(JSON.stringify(shape(parseStatement(sql), parts)));
  return [...parts];
}

type Node = Readonly<Record<string, unknown>>;

/** Fields whose text is a part of the syntax. All other texts and all numbers are names or values. */
const words = new Set(["kind", "operator", "type", "what", "unit", "frame"]);

/** Up to so many arguments have each their place: SUBSTRING has three. */
const placedArguments = 3;

function shape(value: unknown, parts: Set<string>): unknown {
  if (Array.isArray(value)) return distinct(value.map((item) => shape(item, parts)));
  if (value === null || typeof value !== "object") return value;
  const node = value as Node;
  if (node.kind === "set" && node.operator === "UNION") {
    return eachIn(branchesOf(node), "branch", node.all ? "UNION ALL" : "UNION", parts);
  }
  if (node.kind === "values") return eachIn((node.rows as unknown[][]).flat(), "cell", node.kind, parts);
  if (node.kind === "logical") {
    const operands = node.operands as unknown[];
    if (node.operator === "OR") return eachIn(operands, "operand", "OR", parts);
    return { AND: distinct(operands.map((operand) => shape(operand, parts))).sort(byText) };
  }
  return Object.fromEntries(Object.entries(node).flatMap(([key, field]) => fieldOf(node, key, field, parts)));
}

/** Makes each kind of member a part of its own, so that only their kinds count, and not how they are put together. */
function eachIn(members: readonly unknown[], what: string, kind: unknown, parts: Set<string>): unknown {
  for (const member of members) parts.add(JSON.stringify({ [what]: shape(member, parts) }));
  return { kind };
}

function fieldOf(node: Node, key: string, field: unknown, parts: Set<string>): [string, unknown][] {
  if (field === undefined || field === false) return [];
  if (typeof field === "boolean" || words.has(key)) return [[key, typeof field === "object" ? shape(field, parts) : field]];
  if (key === "name" && node.kind === "call") return [[key, field]];
  if (key === "items" && node.kind === "select") return [[key, eachIn(field as unknown[], "item", "items", parts)]];
  if (key === "set" && node.kind === "update") return [[key, eachIn(field as unknown[], "assignment", "SET", parts)]];
  if (key === "arguments" && (field as unknown[]).length <= placedArguments)
    return [[key, (field as unknown[]).map((argument) => shape(argument, parts))]];
  if (typeof field !== "object" || field === null) return [];
  const isOfNames = Array.isArray(field) && field.every((item) => typeof item === "string");
  return isOfNames ? [] : [[key, shape(field, parts)]];
}

function branchesOf(node: Node): Node[] {
  if (node.kind !== "set" || node.operator !== "UNION") return [node];
  return [...branchesOf(node.left as Node), ...branchesOf(node.right as Node)];
}

function distinct(values: readonly unknown[]): unknown[] {
  return [...new Map(values.map((value) => [JSON.stringify(value), value])).values()];
}

function byText(a: unknown, b: unknown): number {
  const [left, right] = [JSON.stringify(a), JSON.stringify(b)];
  return left < right ? -1 : left > right ? 1 : 0;
}

export interface NamedTable {
  /** As written, one to three parts. */
  name: string[];
  /** Whether the newest rows are read or written. */
  isLive: boolean;
  /** The older versions that are read. */
  versions: number[];
}

/** The tables of a statement, each once; the one that a write changes comes first. */
export function namedTables(statement: Statement): NamedTable[] {
  const found = new Map<string, NamedTable>();
  const visit = (value: unknown): void => {
    if (Array.isArray(value)) value.forEach(visit);
    if (Array.isArray(value) || value === null || typeof value !== "object") return;
    const node = value as Node;
    const name = node.kind === "table" ? node.name : node.table;
    if (Array.isArray(name)) {
      const version = (node.travel as { version?: number } | undefined)?.version;
      const key = name.join(".").toLowerCase();
      const known = found.get(key) ?? { name: name as string[], isLive: false, versions: [] };
      const versions = version === undefined ? known.versions : [...new Set([...known.versions, version])].sort((a, b) => a - b);
      found.set(key, { ...known, isLive: known.isLive || version === undefined, versions });
    }
    Object.values(node).forEach(visit);
  };
  visit(statement);
  for (const name of withNames(statement)) found.delete(name.toLowerCase());
  return [...found.values()];
}

function withNames(value: unknown): string[] {
  if (value === null || typeof value !== "object") return [];
  const own = (value as { with?: { name: string }[] }).with ?? [];
  return [...(Array.isArray(own) ? own.map(({ name }) => name) : []), ...Object.values(value).flatMap(withNames)];
}
