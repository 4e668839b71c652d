import { createHash } from "node:crypto";
import { sanitisedColumns } from "../policies/columns.ts";
import { gaps } from "../policies/gaps.ts";
import { gapsError } from "../policies/gaps-error.ts";
import { leakQueries } from "../policies/leaks.ts";
import { domainSources, mappingStatements, tableAt } from "../policies/mappings.ts";
import type { TablePolicy } from "../policies/model.ts";
import type { ReadPolicies } from "../policies/read.ts";
import type { TableStructure } from "../structure/structure.ts";
import type { RulesContext, TableRules } from "./rules.ts";

/** What a refresh does, by the policies of the columns. */
export function policyRules(
  read: Pick<ReadPolicies, "policies" | "file" | "text" | "placeOf">,
  { suppress }: { suppress: "null" | "omit" },
): TableRules {
  const { policies, text } = read;
  const policyOf = (table: string): TablePolicy => {
    const policy = Object.hasOwn(policies.tables, table) ? policies.tables[table] : undefined;
    // The refresh is refused before, if a table has none.
    if (!policy) throw new Error(`${table} has no policy`);
    return policy;
  };
  return {
    hash: createHash("sha256").update(text).digest("hex"),
    refusal: (original) => {
      const found = gaps(policies, original);
      return found.length === 0 ? undefined : gapsError(read, found);
    },
    omits: (table) => (Object.hasOwn(policies.tables, table) ? policies.tables[table]?.omit === true : false),
    quasiIdentifiers: (table) => {
      const { quasiIdentifiers } = policyOf(table);
      return quasiIdentifiers.length === 0 ? undefined : { columns: quasiIdentifiers, suppress };
    },
    withoutChecks: (table) => policyOf(table).withoutChecks,
    mappings: ({ original, workingSchema, from }) =>
      [...domainSources(policies, original)].map(([domain, sources]) =>
        mappingStatements(domain, sources, { policies, working: workingSchema, from }),
      ),
    select: (table, context) => {
      const { columns, joins } = sanitisedColumns(structureOf(table, context), policyOf(table), {
        policies,
        table,
        working: context.workingSchema,
      });
      return { columns, joins };
    },
    leaks: (table, context) =>
      leakQueries(structureOf(table, context), policyOf(table), {
        policies,
        original: context.from(table),
        copy: context.built(table),
      }).map(({ sql }) => sql),
  };
}

function structureOf(table: string, { original }: RulesContext): TableStructure {
  const structure = tableAt(original, table);
  if (!structure) throw new Error(`${table} has no structure`);
  return structure;
}
