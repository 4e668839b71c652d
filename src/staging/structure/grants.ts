import { inParallel } from "../../lib/in-parallel.ts";
import type { WarehouseReader } from "../../warehouse/access.ts";
import type { Row } from "../../warehouse/connection.ts";
import { qualifiedName, quoteName } from "../../warehouse/statements.ts";
import { type Answer, ask, NotUnderstood, named, text } from "./ask.ts";
import type { Assembly } from "./assemble.ts";
import { type Answers, atOnce, viewOf } from "./questions.ts";
import type { Holdings, Rights } from "./rights.ts";
import { catalogItself, type Grant } from "./structure.ts";

const levels = {
  catalogGrants: () => catalogItself,
  schemaGrants: (row: Row) => named(row, "schema_name"),
  tableGrants: (row: Row) => `${named(row, "table_schema")}.${named(row, "table_name")}`,
} as const;
type Level = keyof typeof levels;

/** Owners and the grants that are listed, from which the principal's own rights follow. */
export function holdingsOf(assembly: Assembly, answers: Answers, principal: string, metastore: Answer): Holdings {
  const owned = objectsOf(assembly).flatMap(({ name, target: { owner } }) =>
    owner === undefined ? [] : [[name, owner] as const],
  );
  const metastoreOwner = metastore.rows?.[0]?.owner;
  return {
    principal,
    owners: new Map(owned),
    grants: (Object.keys(levels) as Level[]).flatMap((level) => listed(answers, level).grants),
    ...(typeof metastoreOwner === "string" ? { metastoreOwner } : {}),
  };
}

/**
 * Adds the grants that were made on each object itself. information_schema lists all of them for an owner, and only their own for
 * everybody else, even for holders of MANAGE, whom SHOW GRANTS shows all.
 * @throws WarehouseFailure
 */
export async function addGrants(warehouse: WarehouseReader, assembly: Assembly, answers: Answers, rights: Rights): Promise<void> {
  const objects = objectsOf(assembly);
  const asked = objects.filter(({ name }) => rights.seesGrantsOf(name) === "shown");
  const shown = new Map(
    await inParallel(
      atOnce,
      asked,
      async ({ name }) => [name, await showGrants(warehouse, assembly.structure.catalog, name)] as const,
    ),
  );
  const byLevel = Object.fromEntries((Object.keys(levels) as Level[]).map((level) => [level, listed(answers, level)]));
  const hidden: string[] = [];
  for (const { name, target } of objects) {
    const { grants = [], why } = shown.get(name) ?? byLevel[levelOf(name)] ?? {};
    const own = grants.filter(({ on, inherited }) => on === name && !inherited);
    if (own.length > 0) target.grants = sorted(own);
    if (why !== undefined) assembly.unseen(["grants"], name, why);
    else if (rights.seesGrantsOf(name) === "own") hidden.push(name);
  }
  hide(assembly, hidden, objects.length);
}

/** One entry for all that is hidden within a place. */
function hide(assembly: Assembly, hidden: readonly string[], objects: number): void {
  const who = assembly.structure.readBy;
  const add = (within: string, of: string): void =>
    assembly.unseen(["grants"], within, `${who} neither owns ${of} nor has MANAGE on it, so grants to others may be hidden`);
  if (hidden.length === objects) {
    add("", "the catalog");
    return;
  }
  const schemas = new Set(hidden.filter((name) => levelOf(name) === "schemaGrants"));
  for (const name of hidden)
    if (levelOf(name) !== "tableGrants" || !schemas.has(name.split(".")[0] ?? ""))
      add(name, name === catalogItself ? "the catalog" : name);
}

interface Owned {
  owner?: string;
  grants?: Grant[];
}

function objectsOf(assembly: Assembly): { name: string; target: Owned }[] {
  return [
    { name: catalogItself, target: assembly.structure },
    ...Object.entries(assembly.structure.schemas).map(([name, target]) => ({ name, target })),
    ...assembly.tables().map(({ name, structure }) => ({ name, target: structure })),
  ];
}

function levelOf(object: string): Level {
  if (object === catalogItself) return "catalogGrants";
  return object.includes(".") ? "tableGrants" : "schemaGrants";
}

interface Listed {
  grants: { on: string; holder: string; privilege: string; inherited: boolean }[];
  why?: string;
}

function listed(answers: Answers, level: Level): Listed {
  const { rows, why } = answers[level];
  if (!rows) return { grants: [], why: `${viewOf(level)} could not be read: ${why}` };
  return understood(viewOf(level), () =>
    rows.map((row) => ({
      on: levels[level](row),
      holder: text(row, "grantee"),
      privilege: privilegeOf(text(row, "privilege_type")),
      inherited: typeof row.inherited_from === "string" && !["", "NONE"].includes(row.inherited_from),
    })),
  );
}

/** Inherited grants name the object that they were made on. */
async function showGrants(warehouse: WarehouseReader, catalog: string, object: string): Promise<Listed> {
  const level = { catalogGrants: "CATALOG", schemaGrants: "SCHEMA", tableGrants: "TABLE" }[levelOf(object)];
  const name = object === catalogItself ? quoteName(catalog) : qualifiedName(catalog, object);
  const { rows, why } = await ask(warehouse, `SHOW GRANTS ON ${level} ${name}`);
  if (!rows) return { grants: [], why: `SHOW GRANTS of ${object} was refused: ${why}` };
  return understood(`SHOW GRANTS of ${object}`, () =>
    rows.map((row) => {
      const shown = Object.fromEntries(Object.entries(row).map(([column, value]) => [column.toLowerCase(), value]));
      return {
        on: object,
        holder: text(shown, "principal"),
        privilege: privilegeOf(text(shown, "actiontype")),
        inherited: text(shown, "objecttype").toUpperCase() !== level,
      };
    }),
  );
}

function understood(what: string, read: () => Listed["grants"]): Listed {
  try {
    return { grants: read() };
  } catch (error) {
    if (!(error instanceof NotUnderstood)) throw error;
    return { grants: [], why: `${what} could not be read: ${error.message}` };
  }
}

/** information_schema writes USE_CATALOG, SHOW GRANTS writes USE CATALOG. */
function privilegeOf(written: string): string {
  return written.toUpperCase().replaceAll("_", " ");
}

function sorted(grants: Listed["grants"]): Grant[] {
  const unique = new Map(grants.map(({ holder, privilege }) => [`${holder} ${privilege}`, { principal: holder, privilege }]));
  return [...unique.keys()].sort().map((key) => unique.get(key) as Grant);
}
