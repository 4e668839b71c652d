import type { Structure, TableStructure } from "../structure/structure.ts";
import type { ColumnType } from "./column-type.ts";
import type { Gap } from "./gaps.ts";
import { domainSources, tableAt } from "./mappings.ts";
import { type ColumnPolicy, isStandIn, type Policies, type TablePolicy } from "./model.ts";

/** Policies that contradict each other: within a domain, and at the two ends of a key. */

export function domainGaps(policies: Policies, structure: Structure): Gap[] {
  return [...domainSources(policies, structure)].flatMap(([domain, [first, ...others]]) => {
    if (!first) return [];
    return others
      .filter((source) => sortOf(source.type) !== sortOf(first.type))
      .map((source): Gap => {
        const column = source.column.toLowerCase();
        return {
          code: "EA2113",
          object: `${source.table}.${column}`,
          path: ["tables", source.table, "columns", column],
          message: `the domain ${domain} has ${sortOf(source.type)} here and ${sortOf(first.type)} in ${first.table}.${first.column}: use two domains`,
        };
      });
  });
}

/** Values of one sort can stand for each other. */
function sortOf(type: ColumnType): string {
  if (type.kind === "text") return "texts";
  if (type.kind === "whole") return `whole numbers up to ${type.high}`;
  return type.kind === "decimal" ? `numbers of decimal(${type.precision},${type.scale})` : type.kind;
}

export function keyGaps(
  policies: Policies,
  structure: Structure,
  name: string,
  table: TableStructure,
  policy: TablePolicy,
): Gap[] {
  return [...primaryKeyGaps(name, table, policy), ...foreignKeyGaps(policies, structure, name, table, policy)];
}

function primaryKeyGaps(name: string, table: TableStructure, policy: TablePolicy): Gap[] {
  return (table.primaryKey?.columns ?? []).flatMap((column): Gap[] => {
    const lower = column.toLowerCase();
    const own = policy.columns[lower];
    if (own === undefined || own.how === "keep" || isStandIn(own)) return [];
    return [
      {
        code: "EA2114",
        object: `${name}.${lower}`,
        path: ["tables", name, "columns", lower],
        message: `it is part of the primary key, whose values must stay different: use keep, a surrogate or a pseudonym, not ${own.how}`,
      },
    ];
  });
}

function foreignKeyGaps(
  policies: Policies,
  structure: Structure,
  name: string,
  table: TableStructure,
  policy: TablePolicy,
): Gap[] {
  return Object.entries(table.foreignKeys).flatMap(([constraint, { columns, references, to }]) => {
    const parts = references.toLowerCase().split(".");
    // Another catalog's rows aren't copied.
    if (parts.length === 3 && parts[0] !== structure.catalog.toLowerCase()) return [];
    const parent = parts.slice(-2).join(".");
    const parentPolicy = policies.tables[parent];
    const parentTable = tableAt(structure, parent);
    return columns.flatMap((column, index): Gap[] => {
      const lower = column.toLowerCase();
      const own = policy.columns[lower];
      const target = (to[index] ?? "").toLowerCase();
      const targetColumn = parentTable?.columns.find((one) => one.name.toLowerCase() === target);
      const why = whyOrphans(own, parentPolicy, parentPolicy?.columns[target], targetColumn?.identity?.always === true);
      if (why === undefined) return [];
      const path = ["tables", name, "columns", lower];
      return [
        {
          code: "EA2114",
          object: `${name}.${lower}`,
          path,
          message: `its foreign key ${constraint} refers to ${parent}.${target}, ${why}`,
        },
      ];
    });
  });
}

function whyOrphans(
  own: ColumnPolicy | undefined,
  parent: TablePolicy | undefined,
  target: ColumnPolicy | undefined,
  isIdentity: boolean,
): string | undefined {
  // Undeclared ones are gaps of their own.
  if (own === undefined || own.how === "null" || !parent) return undefined;
  if (parent.omit) return "whose table is omitted: use null";
  if (isIdentity) return "which gets new numbers in the copy: use null, or omit one of the tables";
  if (target === undefined) return undefined;
  if (own.how === "keep" && target.how === "keep") return undefined;
  if (isStandIn(own) && isStandIn(target) && own.domain === target.domain) return undefined;
  return `whose policy is ${wordsOf(target)}: use the same here, not ${wordsOf(own)}`;
}

function wordsOf(policy: ColumnPolicy): string {
  return isStandIn(policy) ? `${policy.how} of ${policy.domain}` : policy.how;
}
