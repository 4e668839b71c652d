import { parseSync } from "rolldown/utils";
import { type Node, nameIn, nodes, unwrapped } from "./syntax-tree.ts";

/**
 * V8 reads a function twice if it is called: once to find its end, and once to compile it when it is called. A function in parentheses is
 * compiled at once. This puts those in parentheses that a start calls, as `scripts/start-functions.json` lists them; `node
 * scripts/profile-start.ts` writes the list. A function that is missing there, or there and gone, only costs time.
 */

/** Module's number → paths of its functions: names, or numbers among those without a name, from the outermost. */
export type FunctionList = Readonly<Record<string, readonly string[]>>;

interface Found {
  node: Node;
  /** `undefined` in a place where parentheses aren't possible: a method. */
  kind: "declaration" | "expression" | undefined;
  module: string;
  path: string;
  inner: Found[];
}

/** Every function of a chunk by its place, for a profile. */
export function functionsOf(name: string, source: string): { module: string; path: string; start: number }[] {
  const flat = (all: readonly Found[]): Found[] => all.flatMap((one) => [one, ...flat(one.inner)]);
  return flat(modulesIn(name, source)).map(({ module, path, node }) => ({ module, path, start: node.start }));
}

/** @returns the same chunk of webpack, with the functions of the list in parentheses */
export function withEagerFunctions(name: string, source: string, list: FunctionList): string {
  const edits = (text: string, offset: number, inner: readonly Found[], hoisted: string[]): string => {
    let made = "";
    let at = offset;
    for (const found of inner) {
      const { node, kind, module, path } = found;
      const isEager = list[module]?.includes(path) ?? false;
      const isHoisted = isEager && kind === "declaration";
      const own = rendered(found, isHoisted);
      made += source.slice(at, node.start);
      if (isHoisted) hoisted.push(`var ${nameIn(node.id)} = (${own});`);
      else made += isEager && kind === "expression" ? `(${own})` : own;
      at = node.end;
    }
    return made + source.slice(at, offset + text.length);
  };
  const rendered = ({ node, inner }: Found, isHoisted: boolean): string => {
    const body = node.body as Node;
    const start = hasStatements(body) ? body.start + 1 : node.end;
    const hoisted: string[] = [];
    const before = inner.filter(({ node: one }) => one.end <= start);
    const after = inner.filter(({ node: one }) => one.end > start);
    // An expression with a name of its own could not give that name another value.
    const named = isHoisted ? (node.id as Node) : undefined;
    const first = named?.end ?? node.start;
    const head = `${named ? source.slice(node.start, named.start) : ""}${edits(source.slice(first, start), first, before, [])}`;
    const rest = edits(source.slice(start, node.end), start, after, hoisted);
    // Where declarations are: before everything else.
    return `${head}${hoisted.join("")}${rest}`;
  };
  return edits(source, 0, modulesIn(name, source), []);
}

/** The functions of the object `modules`. */
function modulesIn(name: string, source: string): Found[] {
  const { program, errors } = parseSync(name, source);
  if (errors.length > 0) throw new Error(`${name}: ${errors[0]?.message}`);
  const declarations = nodes(program.body).flatMap((statement) => nodes((statement.declaration as Node | null)?.declarations));
  const objects = declarations.filter(({ id }) => nameIn(id) === "modules").map(({ init }) => init as Node);
  return (
    objects
      .flatMap((object) => nodes(object.properties))
      // Others are those of a file that it imports.
      .filter(({ type }) => type === "Property")
      .flatMap(({ key, value }) => {
        const node = unwrapped(value as Node);
        const module = String((key as Node | undefined)?.value ?? nameIn(key));
        // webpack's own function is in parentheses already.
        return isFunction(node) ? [{ node, kind: undefined, module, path: "", inner: functionsIn(node, module, "") }] : [];
      })
  );
}

/** The nearest functions in a function, with those in them. */
function functionsIn(outer: Node, module: string, path: string): Found[] {
  const statements = new Set(hasStatements(outer.body) ? nodes(outer.body.body) : []);
  const found: Found[] = [];
  const names = new Map<string, number>();
  const visit = (value: unknown, parent: Node, member: string): void => {
    if (Array.isArray(value)) for (const one of value) visit(one, parent, member);
    else if (isNode(value) && isFunction(value)) {
      const name = nameIn(value.id);
      const number = names.get(name) ?? 0;
      names.set(name, number + 1);
      const own = `${path}/${name}${name === "" || number > 0 ? number : ""}`;
      const kind = kindOf(value, parent, member, statements);
      found.push({ node: value, kind, module, path: own, inner: functionsIn(value, module, own) });
    } else if (isNode(value)) for (const [key, one] of Object.entries(value)) visit(one, value, key);
  };
  for (const [key, value] of Object.entries(outer)) visit(value, outer, key);
  return found.sort((a, b) => a.node.start - b.node.start);
}

function kindOf(node: Node, parent: Node, member: string, statements: ReadonlySet<Node>): Found["kind"] {
  // In a block it has another scope.
  if (node.type === "FunctionDeclaration") return statements.has(node) ? "declaration" : undefined;
  const isMethod =
    parent.type === "MethodDefinition" || (parent.type === "Property" && (parent.method === true || parent.kind !== "init"));
  return isMethod && member === "value" ? undefined : "expression";
}

function isFunction({ type }: Node): boolean {
  return type === "FunctionDeclaration" || type === "FunctionExpression" || type === "ArrowFunctionExpression";
}

function hasStatements(body: unknown): body is Node {
  return isNode(body) && (body.type === "BlockStatement" || body.type === "FunctionBody");
}

function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && "type" in value && typeof value.type === "string" && "start" in value;
}
