import { UserError } from "../../../src/model/user-error.ts";
import type { QuasiIdentifiers, RulesContext, TableRules } from "../../../src/staging/refresh/rules.ts";

/** Policies of a few kinds, as plain as can be: what a refresh does with them is tested, not they themselves. */
export type Policy = "keep" | "null" | { surrogate: string } | { sql: string };

export interface PlainPolicies {
  columns: Record<string, Record<string, Policy>>;
  omit?: readonly string[];
  quasi?: Record<string, QuasiIdentifiers>;
  withoutChecks?: Record<string, readonly string[]>;
}

export function plainRules({ columns, omit = [], quasi = {}, withoutChecks = {} }: PlainPolicies): TableRules {
  const surrogates = Object.entries(columns).flatMap(([table, policies]) =>
    Object.entries(policies).flatMap(([column, policy]) =>
      typeof policy === "object" && "surrogate" in policy ? [{ table, column, domain: policy.surrogate }] : [],
    ),
  );
  const mapping = (domain: string, { workingSchema: { catalog, schema } }: RulesContext) => `${catalog}.${schema}.map_${domain}`;
  return {
    hash: JSON.stringify({ columns, omit, quasi, withoutChecks }),
    refusal: (original) => {
      const found = Object.entries(original.schemas).flatMap(([schema, { tables }]) =>
        Object.entries(tables).flatMap(([name, table]) =>
          omit.includes(`${schema}.${name}`)
            ? []
            : table.columns
                .filter((column) => columns[`${schema}.${name}`]?.[column.name] === undefined)
                .map((column) => `${schema}.${name}.${column.name}: it has no policy`),
        ),
      );
      return found.length === 0 ? undefined : new UserError("EA2110", found.join("\n"));
    },
    withoutChecks: (table) => withoutChecks[table] ?? [],
    omits: (table) => omit.includes(table),
    quasiIdentifiers: (table) => quasi[table],
    mappings: (context) =>
      [...Map.groupBy(surrogates, ({ domain }) => domain)].map(([domain, uses]) => {
        const values = uses.map(({ table, column }) => `SELECT v.\`${column}\` AS original FROM ${context.rows(table, "v")}`);
        return [
          `CREATE TABLE IF NOT EXISTS ${mapping(domain, context)} AS SELECT original, uuid() AS surrogate FROM (SELECT DISTINCT original FROM (${values.join(" UNION ALL ")}) AS every WHERE original IS NOT NULL) AS once`,
        ];
      }),
    select: (table, context) => {
      const { alias } = context;
      const joins: string[] = [];
      const selected = Object.entries(columns[table] ?? {}).map(([name, policy], index) => {
        if (policy === "null") return { name, sql: "NULL" };
        if (policy === "keep") return { name, sql: `${alias}.\`${name}\`` };
        if ("sql" in policy) return { name, sql: policy.sql };
        joins.push(`LEFT JOIN ${mapping(policy.surrogate, context)} AS m${index} ON m${index}.original = ${alias}.\`${name}\``);
        return { name, sql: `m${index}.surrogate` };
      });
      return { columns: selected, joins: joins.join(" ") };
    },
    leaks: (table, context) =>
      Object.entries(columns[table] ?? {}).flatMap(([column, policy]) =>
        policy === "keep" ? [] : leaksOf(table, column, context),
      ),
  };
}

function leaksOf(table: string, column: string, { built, rows }: RulesContext): string[] {
  return [
    `SELECT '${column}' AS place, count(*) AS leaks, 0 AS chance FROM ${built(table)} AS b WHERE EXISTS (SELECT 1 FROM ${rows(table, "o")} WHERE CAST(o.\`${column}\` AS STRING) = CAST(b.\`${column}\` AS STRING))`,
  ];
}
