/** The parser's syntax tree, as the steps of the build that change chunks read it. */
export interface Node {
  type: string;
  /** Positions in the source. */
  start: number;
  end: number;
  [member: string]: unknown;
}

export function unwrapped(node: Node): Node {
  return node.type === "ParenthesizedExpression" ? unwrapped(node.expression as Node) : node;
}

/** Empty if it is no identifier. */
export function nameIn(node: unknown): string {
  const { type, name } = (node ?? {}) as { type?: string; name?: string };
  return type === "Identifier" ? (name ?? "") : "";
}

export function nodes(list: unknown): Node[] {
  return Array.isArray(list) ? (list as Node[]) : [];
}
