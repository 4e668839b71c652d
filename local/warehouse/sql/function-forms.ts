import { UnsupportedSql } from "../errors.ts";
import type { Expression } from "./ast.ts";

/** How to write Databricks' functions in DuckDB's dialect. Functions that are in no table here are refused. */
export interface SqlFunction {
  least: number;
  most: number;
  /** @param args the arguments in DuckDB's dialect @param nodes the arguments as parsed, for functions that need a literal */
  write: (args: string[], nodes: Expression[]) => string;
}

export const many = Number.POSITIVE_INFINITY;

export function same(count: number, most = count, name?: string): (own: string) => SqlFunction {
  return (own) => ({ least: count, most, write: (args) => `${name ?? own}(${args.join(", ")})` });
}

export function as(count: number, write: SqlFunction["write"], most = count): () => SqlFunction {
  return () => ({ least: count, most, write });
}

export function stringOf(node: Expression | undefined): string {
  if (node?.kind === "string") return node.value;
  throw new UnsupportedSql("this argument of a function as anything but a literal text");
}
