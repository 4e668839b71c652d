import type { ColumnStructure, Grant, Structure, TableStructure } from "../../src/staging/structure/structure.ts";
import type { CopyWarehouse } from "../../src/warehouse/access.ts";
import { whyNotChange } from "../../src/warehouse/changes.ts";
import { WarehouseFailure } from "../../src/warehouse/failure.ts";
import { Cursor } from "./model-cursor.ts";

/**
 * A catalog as data that DDL changes: fast enough for thousands of worlds. It is stricter than a warehouse wherever documentation
 * leaves room: whatever it takes, Databricks takes. It knows nothing of how statements are planned.
 */
export class ModelWarehouse {
  readonly world: Structure;
  /** By `schema.table`. */
  readonly rows = new Map<string, number>();
  readonly sent: string[] = [];
  /** Called before each change; what it throws is the answer. */
  before: (statement: string, count: number) => void = () => undefined;
  readonly #empty = new Map<string, Set<string>>();
  readonly #original: Structure;

  constructor(world: Structure, original: Structure) {
    this.world = world;
    this.#original = original;
  }

  get client(): CopyWarehouse {
    const scope = { catalog: this.world.catalog, ownsCatalog: false, labelsCatalog: true };
    return {
      scope,
      catalog: scope.catalog,
      identity: () => Promise.reject(new Error("not asked")),
      close: () => Promise.resolve(),
      query: (statement) => Promise.resolve([{ found: this.#nulls(statement) }]),
      change: async (statement) => {
        const refusal = whyNotChange(statement, scope);
        if (refusal) throw new WarehouseFailure("denied", refusal);
        // Others may be sent meanwhile.
        await Promise.resolve();
        this.before(statement, this.sent.length);
        this.sent.push(statement);
        try {
          this.#run(new Cursor(statement));
        } catch (error) {
          throw new WarehouseFailure("statement", error instanceof Error ? error.message : String(error));
        }
        return undefined;
      },
    };
  }

  #nulls(statement: string): number {
    const [, schema = "", table = "", column = ""] = /FROM `\w+`\.`(\w+)`\.`(\w+)` WHERE `(\w+)` IS NULL/.exec(statement) ?? [];
    const name = `${schema}.${table}`;
    return this.#empty.get(name)?.has(column.toLowerCase()) ? (this.rows.get(name) ?? 0) : 0;
  }

  #run(at: Cursor): void {
    if (at.accept("CREATE", "SCHEMA")) this.#createSchema(at);
    else if (at.accept("DROP", "SCHEMA", "IF", "EXISTS")) this.#dropSchema(at);
    else if (at.accept("CREATE", "TABLE")) this.#createTable(at);
    else if (at.accept("CREATE", "OR", "REPLACE", "VIEW")) this.#createView(at, true);
    else if (at.accept("CREATE", "VIEW")) this.#createView(at, false);
    else if (at.accept("DROP", "TABLE", "IF", "EXISTS")) this.#drop(at, "table");
    else if (at.accept("DROP", "VIEW", "IF", "EXISTS")) this.#drop(at, "view");
    else if (at.accept("ALTER", "TABLE")) this.#alter(at);
    else if (at.accept("ALTER", "VIEW")) this.#alter(at);
    else if (at.accept("ALTER", "SCHEMA")) this.#tags(at, this.#labelled("SCHEMA", at.dotted()));
    else if (at.accept("ALTER", "CATALOG")) this.#tags(at, this.#labelled("CATALOG", at.dotted()));
    else if (at.accept("COMMENT", "ON")) {
      const on = this.#labelled(at.word(), at.dotted());
      at.expect("IS");
      setOrDelete(on, "comment", at.accept("NULL") ? undefined : at.text());
    } else this.#grant(at);
    at.end();
  }

  #labelled(what: string, name: string[]): { comment?: string; tags?: Record<string, string>; grants?: Grant[] } {
    if (what === "CATALOG") return this.world;
    if (what === "SCHEMA") return required(this.world.schemas[name[1] ?? ""], `no schema ${name.join(".")}`);
    return this.#existing(name);
  }

  #existing([, schema = "", table = ""]: string[]): TableStructure {
    return required(this.world.schemas[schema]?.tables[table], `no table ${schema}.${table}`);
  }

  #createSchema(at: Cursor): void {
    const [, name = ""] = at.dotted();
    if (this.world.schemas[name]) throw new Error(`schema ${name} is there`);
    const comment = at.accept("COMMENT") ? { comment: at.text() } : {};
    this.world.schemas[name] = { owner: this.world.readBy, ...comment, tables: {} };
  }

  #dropSchema(at: Cursor): void {
    const [, name = ""] = at.dotted();
    if (Object.keys(this.world.schemas[name]?.tables ?? {}).length > 0) throw new Error(`schema ${name} is not empty`);
    delete this.world.schemas[name];
  }

  #put([, schema = "", name = ""]: string[], table: TableStructure, replace: boolean): void {
    const tables = required(this.world.schemas[schema], `no schema ${schema}`).tables;
    if (tables[name] && !replace) throw new Error(`${schema}.${name} is there`);
    tables[name] = table;
  }

  #createTable(at: Cursor): void {
    const name = at.dotted();
    const table: TableStructure = {
      ...{ kind: "table", type: "MANAGED", owner: this.world.readBy, columns: [], properties: {}, checks: {}, foreignKeys: {} },
      ...{ clusteredBy: [], partitionedBy: [] },
    };
    for (const item of at.bracket()) {
      if (item.accept("CONSTRAINT")) this.#key(item, name.slice(1).join("."), table, item.name());
      else table.columns.push(column(item));
    }
    if (at.accept("PARTITIONED", "BY")) table.partitionedBy = at.bracket().map((item) => item.name());
    if (at.accept("CLUSTER", "BY")) table.clusteredBy = at.bracket().map((item) => item.name());
    if (at.accept("COMMENT")) table.comment = at.text();
    if (at.accept("TBLPROPERTIES")) Object.assign(table.properties, at.pairs());
    if (table.columns.some((one) => one.default !== undefined)) requireDefaults(table);
    this.#put(name, table, false);
  }

  #createView(at: Cursor, replace: boolean): void {
    const name = at.dotted();
    const columns = at.bracket().map((item): ColumnStructure => {
      const one = { name: item.name(), type: "string", nullable: true };
      return item.accept("COMMENT") ? { ...one, comment: item.text() } : one;
    });
    const view: TableStructure = {
      ...{ kind: "view", type: "VIEW", owner: this.world.readBy, columns, properties: {}, checks: {}, foreignKeys: {} },
      ...{ clusteredBy: [], partitionedBy: [] },
    };
    if (at.accept("COMMENT")) view.comment = at.text();
    if (at.accept("TBLPROPERTIES")) Object.assign(view.properties, at.pairs());
    at.expect("AS");
    view.viewText = at.rest();
    const [, catalog = "", schema = "", table = ""] = /FROM `?(\w+)`?\.(\w+)\.(\w+)/.exec(view.viewText) ?? [];
    if (catalog === this.world.catalog) this.#existing([catalog, schema, table]);
    // A replaced view loses its tags and grants here.
    this.#put(name, view, replace);
  }

  #drop(at: Cursor, kind: string): void {
    const [catalog = "", schema = "", name = ""] = at.dotted();
    const table = this.world.schemas[schema]?.tables[name];
    if (table && table.kind !== kind) throw new Error(`${schema}.${name} is a ${table.kind} of ${catalog}`);
    const referring = this.#referring(`${schema}.${name}`).filter((other) => other !== `${schema}.${name}`);
    if (referring.length > 0) throw new Error(`${referring[0]} refers to ${schema}.${name}`);
    delete this.world.schemas[schema]?.tables[name];
    this.rows.delete(`${schema}.${name}`);
    this.#empty.delete(`${schema}.${name}`);
  }

  #referring(name: string): string[] {
    return Object.entries(this.world.schemas).flatMap(([schema, { tables }]) =>
      Object.entries(tables)
        .filter(([, { foreignKeys }]) => Object.values(foreignKeys).some(({ references }) => references === name))
        .map(([table]) => `${schema}.${table}`),
    );
  }

  #alter(at: Cursor): void {
    const parts = at.dotted();
    const name = parts.slice(1).join(".");
    const table = this.#existing(parts);
    if (at.accept("ADD", "COLUMNS")) for (const item of at.bracket()) this.#addColumn(name, table, item);
    else if (at.accept("ADD", "CONSTRAINT")) this.#addConstraint(at, name, table);
    else if (at.accept("DROP", "CONSTRAINT")) this.#dropConstraint(name, table, at.name());
    else if (at.accept("DROP", "COLUMNS")) for (const item of at.bracket()) dropColumn(table, item.name());
    else if (at.accept("ALTER", "COLUMN")) this.#alterColumn(at, name, table);
    else if (at.accept("SET", "TBLPROPERTIES")) {
      const changes = at.pairs();
      if (changes["delta.columnMapping.mode"] === "none") throw new Error("column mapping stays");
      Object.assign(table.properties, changes);
    } else if (at.accept("UNSET", "TBLPROPERTIES", "IF", "EXISTS"))
      for (const item of at.bracket()) {
        const key = item.text();
        if (/^delta\.(feature|columnMapping)/.test(key)) throw new Error(`${key} stays`);
        delete table.properties[key];
      }
    else if (at.accept("CLUSTER", "BY")) {
      if (table.partitionedBy.length > 0) throw new Error("a partitioned table is not clustered");
      table.clusteredBy = at.accept("NONE") ? [] : at.bracket().map((item) => existing(table, item.name()).name);
    } else if (at.accept("SET", "ROW", "FILTER")) {
      const called = this.#called(at.dotted());
      at.expect("ON");
      table.rowFilter = { function: called, columns: at.bracket().map((item) => existing(table, item.name()).name) };
    } else if (at.accept("DROP", "ROW", "FILTER")) delete table.rowFilter;
    else this.#tags(at, table);
  }

  #called(parts: string[]): string {
    if (!["visible", "hidden"].includes(parts[2] ?? "")) throw new Error(`no function ${parts.join(".")}`);
    return parts.join(".");
  }

  #tags(at: Cursor, on: { tags?: Record<string, string> }): void {
    const tags = { ...on.tags };
    if (at.accept("SET", "TAGS")) {
      for (const item of at.bracket()) {
        const key = item.text();
        tags[key] = item.accept("=") ? item.text() : "";
      }
    } else {
      at.expect("UNSET", "TAGS");
      for (const item of at.bracket()) delete tags[item.text()];
    }
    on.tags = tags;
  }

  #addColumn(name: string, table: TableStructure, item: Cursor): void {
    const added = column(item, true);
    if (added.generatedAs ?? added.identity ?? added.default ?? !added.nullable) throw new Error("ADD cannot do that");
    if (table.columns.some((one) => same(one.name, added.name))) throw new Error(`${added.name} is there`);
    place(table, added, item);
    const empty = this.#empty.get(name) ?? new Set();
    this.#empty.set(name, empty.add(added.name.toLowerCase()));
  }

  #alterColumn(at: Cursor, name: string, table: TableStructure): void {
    const one = existing(table, at.name());
    const path: string[] = [];
    while (at.accept(".")) path.push(at.name());
    if (path.length > 0) nested(at, one, path.join(".").toLowerCase());
    else if (at.accept("TYPE")) changeType(table, one, at.rest());
    else if (at.accept("COMMENT")) {
      const comment = at.text();
      setOrDelete(one, "comment", comment === "" ? undefined : comment);
    } else if (at.accept("SET", "NOT", "NULL")) {
      if (this.#empty.get(name)?.has(one.name.toLowerCase()) && (this.rows.get(name) ?? 0) > 0)
        throw new Error("there are NULLs");
      one.nullable = false;
    } else if (at.accept("DROP", "NOT", "NULL")) {
      if (table.primaryKey?.columns.some((key) => same(key, one.name))) throw new Error("a key's column stays NOT NULL");
      one.nullable = true;
    } else if (at.accept("SET", "DEFAULT")) {
      requireDefaults(table);
      one.default = at.rest();
    } else if (at.accept("DROP", "DEFAULT")) delete one.default;
    else if (at.accept("SET", "MASK")) one.mask = { function: this.#called(at.dotted()), columns: [] };
    else if (at.accept("DROP", "MASK")) delete one.mask;
    else if (at.at("FIRST") || at.at("AFTER")) {
      table.columns = table.columns.filter((other) => other !== one);
      place(table, one, at);
    } else this.#tags(at, one);
  }

  #key(at: Cursor, object: string, table: TableStructure, name: string): void {
    at.expect("PRIMARY", "KEY");
    const columns = at.bracket().map((item) => existing(table, item.name()).name);
    if (table.primaryKey) throw new Error("there is a key");
    const isLoose = columns.some((key) => this.#isNullable(object, key));
    if (!isLoose && columns.some((key) => existing(table, key).nullable)) throw new Error("a key is NOT NULL");
    table.primaryKey = { name, columns, ...(at.accept("RELY") ? { rely: true } : {}) };
  }

  /** Random worlds have keys whose columns may be NULL. */
  #isNullable(object: string, column: string): boolean {
    const [schema = "", table = ""] = object.split(".");
    return this.#original.schemas[schema]?.tables[table]?.columns.find(({ name }) => name === column)?.nullable ?? true;
  }

  #addConstraint(at: Cursor, name: string, table: TableStructure): void {
    const constraint = at.name();
    if (constraint.toLowerCase() in table.checks || constraint in table.foreignKeys) throw new Error(`${constraint} is there`);
    if (at.accept("CHECK")) {
      table.checks[constraint.toLowerCase()] = at.inner();
      return;
    }
    if (!at.accept("FOREIGN", "KEY")) {
      this.#key(at, name, table, constraint);
      return;
    }
    const columns = at.bracket().map((item) => existing(table, item.name()).name);
    at.expect("REFERENCES");
    const target = at.dotted();
    const references = target.slice(1).join(".");
    const to = at.bracket().map((item) => item.name());
    const [schema = "", other = ""] = references.split(".");
    const needsKey = this.#original.schemas[schema]?.tables[other]?.primaryKey !== undefined;
    if (needsKey && !this.#existing(target).primaryKey) throw new Error(`${references} has no key, which ${name} needs`);
    table.foreignKeys[constraint] = { columns, references, to };
  }

  #dropConstraint(name: string, table: TableStructure, constraint: string): void {
    if (table.primaryKey?.name === constraint) {
      const [referring] = this.#referring(name);
      if (referring) throw new Error(`${referring} refers to the key of ${name}`);
      delete table.primaryKey;
    } else if (constraint in table.foreignKeys) delete table.foreignKeys[constraint];
    else if (constraint in table.checks) delete table.checks[constraint];
    else throw new Error(`no constraint ${constraint}`);
  }

  #grant(at: Cursor): void {
    const isGrant = at.accept("GRANT");
    if (!isGrant) at.expect("REVOKE");
    const privileges: string[] = [];
    do {
      const words: string[] = [];
      while (!at.at("ON") && !at.at(",")) words.push(at.word());
      privileges.push(words.join(" "));
    } while (at.accept(","));
    at.expect("ON");
    const on = this.#labelled(at.word(), at.dotted());
    at.expect(isGrant ? "TO" : "FROM");
    const principal = at.name();
    const others = (on.grants ?? []).filter((grant) => grant.principal !== principal || !privileges.includes(grant.privilege));
    on.grants = isGrant ? [...others, ...privileges.map((privilege) => ({ principal, privilege }))] : others;
  }
}

function column(item: Cursor, isAdded = false): ColumnStructure {
  const one: ColumnStructure = { name: item.name(), type: "", nullable: true };
  const { type, nested: attributes } = item.type();
  one.type = type;
  if (Object.keys(attributes).length > 0) one.nested = attributes;
  for (;;) {
    if (item.accept("NOT", "NULL")) one.nullable = false;
    else if (item.accept("GENERATED", "ALWAYS", "AS", "IDENTITY")) one.identity = { always: true, ...item.identity() };
    else if (item.accept("GENERATED", "BY", "DEFAULT", "AS", "IDENTITY")) one.identity = { always: false, ...item.identity() };
    else if (item.accept("GENERATED", "ALWAYS", "AS")) one.generatedAs = item.inner();
    else if (item.accept("DEFAULT")) one.default = item.expression();
    else if (item.accept("COMMENT")) one.comment = item.text();
    else break;
  }
  if (!isAdded) item.end();
  return one;
}

function place(table: TableStructure, one: ColumnStructure, at: Cursor): void {
  if (at.accept("FIRST")) table.columns.unshift(one);
  else if (at.accept("AFTER")) table.columns.splice(table.columns.indexOf(existing(table, at.name())) + 1, 0, one);
  else table.columns.push(one);
}

function nested(at: Cursor, one: ColumnStructure, path: string): void {
  const attributes = { ...one.nested?.[path] };
  if (at.accept("COMMENT")) {
    const comment = at.text();
    setOrDelete(attributes, "comment", comment === "" ? undefined : comment);
  } else {
    at.expect("DROP", "NOT", "NULL");
    delete attributes.notNull;
  }
  one.nested = { ...one.nested, [path]: attributes };
}

const wider: Record<string, string> = { int: "bigint", "decimal(5,2)": "decimal(10,2)" };

function changeType(table: TableStructure, one: ColumnStructure, type: string): void {
  if (table.properties["delta.enableTypeWidening"] !== "true") throw new Error("types are not widened here");
  if (wider[one.type] !== type) throw new Error(`${one.type} doesn't become ${type}`);
  if (uses(table, one.name)) throw new Error(`something is made of ${one.name}`);
  one.type = type;
}

function dropColumn(table: TableStructure, name: string): void {
  const one = existing(table, name);
  if (table.properties["delta.columnMapping.mode"] !== "name") throw new Error("names are not mapped");
  const keys = [table.primaryKey?.columns, ...Object.values(table.foreignKeys).map(({ columns }) => columns)];
  const used = [...keys, table.partitionedBy, table.clusteredBy, table.rowFilter?.columns].flatMap((names) => names ?? []);
  if (uses(table, name) || used.some((other) => same(other, name)) || one.mask) throw new Error(`${name} is used`);
  table.columns = table.columns.filter((other) => other !== one);
}

function uses(table: TableStructure, name: string): boolean {
  const texts = [...Object.values(table.checks), ...table.columns.map(({ generatedAs }) => generatedAs ?? "")];
  return texts.some((text) => new RegExp(`\\b${name}\\b`, "i").test(text));
}

function requireDefaults(table: TableStructure): void {
  if (table.properties["delta.feature.allowColumnDefaults"] !== "supported") throw new Error("no defaults here");
}

function existing(table: TableStructure, name: string): ColumnStructure {
  return required(
    table.columns.find((one) => same(one.name, name)),
    `no column ${name}`,
  );
}

function required<Value>(value: Value | undefined, why: string): Value {
  if (value === undefined) throw new Error(why);
  return value;
}

function same(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}

function setOrDelete<Key extends string>(on: Partial<Record<Key, string>>, key: Key, value: string | undefined): void {
  if (value === undefined) delete on[key];
  else on[key] = value;
}
