import { parseSync } from "rolldown/utils";
import { type Node, nameIn, nodes, unwrapped } from "./syntax-tree.ts";

/**
 * webpack gives each export of a module a function of its own that returns it. A start makes a thousand of them, compiles hundreds, and
 * calls them thousands of times. The value of a function declaration is known from the beginning and never changes, so it can be given
 * itself: `exports.name = value`.
 */

/** @returns the same chunk of webpack, in which modules export function declarations directly */
export function withDirectExports(name: string, source: string): string {
  const { program, errors } = parseSync(name, source);
  if (errors.length > 0) throw new Error(`${name}: ${errors[0]?.message}`);
  const edits: { start: number; end: number; text: string }[] = [];
  for (const body of moduleBodies(program as unknown as Node)) {
    const declared = new Set(
      body.flatMap((statement) => (statement.type === "FunctionDeclaration" ? [nameIn(statement.id)] : [])),
    );
    for (const statement of body) {
      const found = exportsIn(statement);
      if (!found) continue;
      const direct = found.properties.filter(({ value }) => declared.has(value));
      if (direct.length === 0 || direct.some(({ value }) => isAssigned(body, value))) continue;
      const rest = found.properties.filter((property) => !direct.includes(property));
      const assignments = direct.map(({ key, value }) => `${found.target}${key} = ${value};`).join(" ");
      const left = rest.map(({ start, end }) => source.slice(start, end)).join(", ");
      const definition = rest.length > 0 ? ` ${source.slice(statement.start, found.start)}{ ${left} });` : "";
      edits.push({ start: statement.start, end: statement.end, text: `${assignments}${definition}` });
    }
  }
  let made = "";
  let at = 0;
  for (const { start, end, text } of edits.sort((a, b) => a.start - b.start)) {
    made += source.slice(at, start) + text;
    at = end;
  }
  return made + source.slice(at);
}

/** The statements of each function in the object `modules`. */
function moduleBodies(program: Node): Node[][] {
  const declarations = nodes(program.body).flatMap((statement) => nodes((statement.declaration as Node | null)?.declarations));
  const objects = declarations.filter(({ id }) => nameIn(id) === "modules").map(({ init }) => init as Node);
  return objects
    .flatMap((object) => nodes(object.properties))
    .map(({ value }) => unwrapped(value as Node))
    .flatMap((made) => (made.type.includes("Function") ? [nodes((made.body as Node).body)] : []));
}

interface Exports {
  /** What the exports are members of. */
  target: string;
  /** Where the object begins. */
  start: number;
  properties: { key: string; value: string; start: number; end: number }[];
}

/** The parts of `require.d(target, { key: () => value })`. */
function exportsIn(statement: Node): Exports | undefined {
  const call = statement.type === "ExpressionStatement" ? unwrapped(statement.expression as Node) : undefined;
  const callee = call?.type === "CallExpression" ? (call.callee as Node) : undefined;
  if (callee?.type !== "MemberExpression" || nameIn(callee.property) !== "d") return undefined;
  const [target, object] = nodes(call?.arguments);
  if (target?.type !== "Identifier" || object?.type !== "ObjectExpression") return undefined;
  const properties = nodes(object.properties).map((property) => {
    const getter = property.value as Node | undefined;
    const returned = getter?.type === "ArrowFunctionExpression" ? unwrapped(getter.body as Node) : undefined;
    const key = property.key as Node;
    const member = key.type === "Identifier" ? `.${nameIn(key)}` : `[${JSON.stringify(key.value)}]`;
    return { key: member, value: nameIn(returned), start: property.start, end: property.end };
  });
  return { target: nameIn(target), start: object.start, properties };
}

/** Whether anything in these statements gives the name another value. */
function isAssigned(within: unknown, name: string): boolean {
  if (Array.isArray(within)) return within.some((one) => isAssigned(one, name));
  if (typeof within !== "object" || within === null) return false;
  const { type, left, argument } = within as Partial<Node>;
  if (type === "AssignmentExpression" && mentions(left, name)) return true;
  if (type === "UpdateExpression" && mentions(argument, name)) return true;
  if ((type === "ForInStatement" || type === "ForOfStatement") && mentions(left, name)) return true;
  return Object.values(within).some((one) => isAssigned(one, name));
}

function mentions(within: unknown, name: string): boolean {
  if (Array.isArray(within)) return within.some((one) => mentions(one, name));
  if (typeof within !== "object" || within === null) return false;
  return nameIn(within) === name || Object.values(within).some((one) => mentions(one, name));
}
