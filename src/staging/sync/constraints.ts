import { quoteName } from "../../warehouse/statements.ts";
import type { TableStructure } from "../structure/structure.ts";
import { type Alteration, typeChanges } from "./columns.ts";
import { primaryKeyClause } from "./create-table.ts";
import { inCopy, type Planning, type Wants } from "./scope.ts";
import { mentions, names, whyNoExpression } from "./sql-text.ts";
import { type Before, Chain, type Steps, together } from "./steps.ts";

/** CHECK constraints and keys. What changes is dropped first and added last, so that columns can change in between. */

interface Rules {
  checks: string[];
  primaryKey: boolean;
}

/** What is dropped, and what is added. */
export function rulesThatChange(alteration: Alteration): { dropped: Rules; added: Rules } {
  const { planning, object, before, after } = alteration;
  const listed = (item: string): boolean => planning.listed("constraints", object, item);
  const retyped = typeChanges(alteration).flatMap(({ pair, changes }) => (changes ? [pair.before.name] : []));
  // Delta changes no column that a CHECK uses, so it is added again.
  const inTheWay = Object.entries(before.checks)
    .filter(([, text]) => retyped.some((column) => mentions(text, column)))
    .map(([name]) => name);
  const different = (name: string): boolean => listed(`CHECK ${name}`);
  const again = (name: string): boolean => inTheWay.includes(name) && name in after.checks;
  const key = listed("PRIMARY KEY") || listed("PRIMARY KEY RELY");
  return {
    dropped: {
      checks: Object.keys(before.checks).filter((name) => different(name) || inTheWay.includes(name)),
      primaryKey: key && before.primaryKey !== undefined,
    },
    added: {
      checks: Object.keys(after.checks).filter((name) => different(name) || again(name)),
      primaryKey: key && after.primaryKey !== undefined,
    },
  };
}

export function planDroppedRules({ chain, object, table, before }: Alteration, dropped: Rules, freed: Before | undefined): void {
  for (const name of dropped.checks.sort())
    chain.add({ object, facet: "constraints", statement: `ALTER TABLE ${table} DROP CONSTRAINT ${quoteName(name)}` });
  if (dropped.primaryKey && before.primaryKey)
    chain.add(
      { object, facet: "constraints", statement: `ALTER TABLE ${table} DROP CONSTRAINT ${quoteName(before.primaryKey.name)}` },
      freed,
    );
}

/** @param upgrades whether the first CHECK of this table raises its protocol, which a new table doesn't have to keep */
export function planChecks(
  chain: Chain,
  { object, table }: { object: string; table: string },
  checks: readonly (readonly [name: string, text: string])[],
  upgrades: boolean,
): void {
  for (const [at, [name, text]] of checks.entries()) {
    const why = whyNoExpression(text);
    if (why) chain.name(object, "constraints", `CHECK ${name} cannot be used: ${why}`, "Add it yourself");
    else
      chain.add({
        object,
        facet: "constraints",
        statement: `ALTER TABLE ${table} ADD CONSTRAINT ${quoteName(name)} CHECK (${text})`,
        ...(upgrades && at === 0 ? { loses: "irreversible upgrade" as const } : {}),
      });
  }
}

export function planPrimaryKey(
  chain: Chain,
  { object, table }: { object: string; table: string },
  key: TableStructure["primaryKey"],
  notNull: Before,
): void {
  if (!key) return;
  chain.add({ object, facet: "constraints", statement: `ALTER TABLE ${table} ADD ${primaryKeyClause(key)}` }, notNull);
}

type ForeignKeys = TableStructure["foreignKeys"];

/** A table whose foreign keys are planned. */
export interface Referring {
  object: string;
  before: ForeignKeys;
  after: ForeignKeys;
  /** Whether the copy's table is dropped, and its keys with it. */
  gone: boolean;
  wants: Wants;
}

/**
 * Foreign keys that must go first: those that change, and those that stand in the way of another table's key.
 * @param freed tables whose key goes, for good or for a moment
 * @returns by referenced table, the steps after which its key is free
 */
export function planDroppedKeys(
  planning: Planning,
  steps: Steps,
  tables: readonly Referring[],
  freed: ReadonlySet<string>,
): { freeing: Map<string, Before>; dropped: Set<string>; ends: Map<string, Before> } {
  const freeing = new Map<string, Before>();
  const dropped = new Set<string>();
  const ends = new Map<string, Before>();
  for (const { object, before, after, gone, wants } of tables) {
    const chain = new Chain(steps);
    for (const [name, key] of Object.entries(before)) {
      const item = `FOREIGN KEY ${name.toLowerCase()}`;
      const changes = !gone && (wants("constraints", object, item) || wants("constraints", object, `${item} RELY`));
      // One that a rule keeps stays, and the step that it stands in the way of fails.
      const inTheWay = freed.has(key.references) && (gone || name in after);
      if (!changes && !inTheWay) continue;
      const statement = `ALTER TABLE ${inCopy(planning, object)} DROP CONSTRAINT ${quoteName(name)}`;
      const place = chain.add({ object, facet: "constraints", statement });
      if (place === undefined) continue;
      dropped.add(`${object}.${name}`);
      freeing.set(key.references, together(freeing.get(key.references), { after: [place], behind: [] }));
      ends.set(object, chain.end);
    }
  }
  return { freeing, dropped, ends };
}

/** @param ends of each table, the steps after which it is as it should be */
export function planAddedKeys(
  planning: Planning,
  steps: Steps,
  tables: readonly Referring[],
  { dropped, ends }: { dropped: ReadonlySet<string>; ends: ReadonlyMap<string, Before> },
): void {
  for (const { object, before, after, gone, wants } of tables) {
    const chain = new Chain(steps, ends.get(object));
    for (const [name, { columns, references, to, rely }] of Object.entries(after)) {
      const wasDropped = dropped.has(`${object}.${name}`);
      const isMissing = gone || !(name in before);
      if (!wasDropped && !(isMissing && wants("constraints", object, `FOREIGN KEY ${name.toLowerCase()}`))) continue;
      const target = referenced(planning, references);
      const clause = `CONSTRAINT ${quoteName(name)} FOREIGN KEY (${names(columns)}) REFERENCES ${target} (${names(to)})${rely ? " RELY" : ""}`;
      const statement = `ALTER TABLE ${inCopy(planning, object)} ADD ${clause}`;
      chain.add({ object, facet: "constraints", statement }, ends.get(references));
    }
  }
}

/** A table of the same catalog has two parts. */
function referenced(planning: Planning, references: string): string {
  const [catalog = "", ...rest] = references.split(".");
  if (rest.length < 2) return inCopy(planning, references);
  return [planning.catalogs.get(catalog) ?? catalog, ...rest].map(quoteName).join(".");
}
