import {
  type ColumnStructure,
  catalogItself,
  type Structure,
  type TableStructure,
} from "../../src/staging/structure/structure.ts";
import type { Change, Dice } from "./oracle.ts";
import { catalogs, owner, plainTable, plainView, type Side } from "./world.ts";

/** Random edits of one side. Each knows which statements make it in a warehouse, if any do, and what it changed. */

export interface Edit {
  /** Absent: only a model can be edited like this. */
  ddl?: string[];
  /** Changes the world, and says what it did. */
  apply(): Change[];
}

interface Place {
  schema: string;
  table: string;
  name: string;
  what: TableStructure;
}

export class Editor {
  readonly #dice: Dice;
  readonly #side: Side;
  readonly #world: Structure;
  readonly #removed = new Map<string, TableStructure>();
  readonly #removedColumns = new Map<string, { column: ColumnStructure; at: number }>();
  /** Renamed objects: they are only renamed back, so that what was edited under the old name stays comparable. */
  readonly #renamed = new Map<string, string>();
  #serial = 0;

  constructor(dice: Dice, side: Side, world: Structure) {
    this.#dice = dice;
    this.#side = side;
    this.#world = world;
  }

  /** An edit of one facet; undefined if there is nothing to edit. */
  next(facet: string): Edit | undefined {
    const choices = this.#choices()[facet] ?? [];
    return this.#dice.pick(choices)?.();
  }

  get catalog(): string {
    return catalogs[this.#side];
  }

  full(name: string): string {
    return name === catalogItself ? this.catalog : `${this.catalog}.${name}`;
  }

  #choices(): Record<string, (() => Edit | undefined)[]> {
    return {
      schemas: [() => this.#addSchema(), () => this.#dropAddedSchema(), () => this.#dropSchema()],
      tables: [() => this.#addTable(), () => this.#dropTable(), () => this.#restore("table"), () => this.#becomeView()],
      views: [
        () => this.#addView(),
        () => this.#dropView(),
        () => this.#restore("view"),
        () => this.#changeView(),
        () => this.#changeView(),
      ],
      columns: [
        () => this.#addColumn(),
        () => this.#dropColumn(),
        () => this.#restoreColumn(),
        () => this.#moveColumn(),
        () => this.#renameColumn(),
      ],
      types: [() => this.#changeType()],
      nullability: [() => this.#changeNullability(), () => this.#changeNested("notNull")],
      defaults: [() => this.#changeDefault()],
      generated: [() => this.#changeGenerated(), () => this.#changeIdentity()],
      comments: [() => this.#commentObject(), () => this.#commentColumn(), () => this.#changeNested("comment")],
      constraints: [() => this.#changeCheck(), () => this.#changeForeignKey(), () => this.#changePrimaryKey()],
      properties: [() => this.#changeProperty()],
      clustering: [() => this.#changeClustering(), () => this.#changePartitions()],
      grants: [() => this.#changeGrant(), () => this.#changeGrant(), () => this.#changeOwner()],
      policies: [() => this.#changeTag(), () => this.#changeFilter(), () => this.#changeMask()],
      noise: [() => this.#noise()],
    };
  }

  #tables(kind: "table" | "view" = "table"): Place[] {
    return Object.entries(this.#world.schemas).flatMap(([schema, { tables }]) =>
      Object.entries(tables)
        .filter(([, what]) => what.kind === kind)
        .map(([table, what]) => ({ schema, table, name: `${schema}.${table}`, what })),
    );
  }

  #table(): Place | undefined {
    return this.#dice.pick(this.#tables());
  }

  /** A column that was not renamed. */
  #column(
    wanted: (column: ColumnStructure) => boolean = () => true,
  ): (Place & { column: ColumnStructure; object: string }) | undefined {
    const place = this.#table();
    const column = this.#dice.pick(
      (place?.what.columns ?? []).filter((one) => wanted(one) && !this.#renamed.has(`${place?.name}.${one.name.toLowerCase()}`)),
    );
    return place && column ? { ...place, column, object: `${place.name}.${column.name.toLowerCase()}` } : undefined;
  }

  #schema(): string | undefined {
    return this.#dice.pick(
      Object.keys(this.#world.schemas).filter((name) => name.startsWith("schema_") || name.startsWith("added_")),
    );
  }

  #new(prefix: string): string {
    return `${prefix}_${this.#side}_${this.#serial++}`;
  }

  #addSchema(): Edit {
    const name = this.#new("added");
    return {
      ddl: [`CREATE SCHEMA ${this.full(name)}`],
      apply: () => {
        this.#world.schemas[name] = { owner, tables: {} };
        return [{ facet: "schemas", object: name, before: undefined, after: "schema", exists: true }];
      },
    };
  }

  #dropAddedSchema(): Edit | undefined {
    const name = this.#dice.pick(Object.keys(this.#world.schemas).filter((one) => one.startsWith("added_")));
    return name === undefined ? undefined : this.#dropSchema(name);
  }

  #dropSchema(given?: string): Edit | undefined {
    // Half of a world must remain to be edited.
    const few = Object.keys(this.#world.schemas).filter((name) => name.startsWith("schema_")).length < 4;
    const name = given ?? (few || this.#dice.below(4) > 0 ? undefined : this.#schema());
    if (name === undefined) return undefined;
    return {
      ddl: [`DROP SCHEMA ${this.full(name)} CASCADE`],
      apply: () => {
        delete this.#world.schemas[name];
        return [{ facet: "schemas", object: name, before: "schema", after: undefined, exists: true }];
      },
    };
  }

  #addTable(): Edit | undefined {
    const schema = this.#schema();
    if (schema === undefined) return undefined;
    const name = this.#new("extra");
    return this.#put(
      schema,
      name,
      plainTable([
        { name: "id", type: "string", nullable: true },
        { name: "level", type: "int", nullable: true },
      ]),
    );
  }

  #addView(): Edit | undefined {
    const place = this.#table();
    if (!place?.what.columns.some(({ name }) => name === "title")) return undefined;
    return this.#put(place.schema, this.#new("seen"), plainView(this.catalog, place.schema, place.table));
  }

  #put(schema: string, name: string, what: TableStructure): Edit | undefined {
    const tables = this.#world.schemas[schema]?.tables;
    if (!tables || tables[name]) return undefined;
    return {
      ddl: createStatements(this.catalog, `${schema}.${name}`, what),
      apply: () => {
        tables[name] = what;
        return [{ facet: `${what.kind}s`, object: `${schema}.${name}`, before: undefined, after: what.kind, exists: true }];
      },
    };
  }

  #dropTable(): Edit | undefined {
    // A key that others reference stays.
    const referenced = new Set(
      this.#tables().flatMap(({ what }) => Object.values(what.foreignKeys).map(({ references }) => references)),
    );
    const place = this.#dice.pick(this.#tables().filter(({ name }) => !referenced.has(name)));
    return place && this.#drop(place);
  }

  #dropView(): Edit | undefined {
    const place = this.#dice.pick(this.#tables("view"));
    return place && this.#drop(place);
  }

  #drop({ schema, table, name, what }: Place): Edit {
    return {
      ddl: [`DROP ${what.kind.toUpperCase()} ${this.full(name)}`],
      apply: () => {
        delete this.#world.schemas[schema]?.tables[table];
        this.#removed.set(name, what);
        return [{ facet: `${what.kind}s`, object: name, before: what.kind, after: undefined, exists: true }];
      },
    };
  }

  /** As it was when it was dropped. */
  #restore(kind: string): Edit | undefined {
    const name = this.#dice.pick([...this.#removed].filter(([, what]) => what.kind === kind).map(([one]) => one));
    const what = name === undefined ? undefined : this.#removed.get(name);
    if (name === undefined || !what) return undefined;
    const [schema = "", table = ""] = name.split(".");
    const put = this.#put(schema, table, what);
    return (
      put && {
        ...put,
        apply: () => {
          this.#removed.delete(name);
          return put.apply();
        },
      }
    );
  }

  #becomeView(): Edit | undefined {
    const place = this.#dice.pick(this.#tables().filter(({ table }) => table.startsWith("table_1")));
    // On one side only: two views would have nothing left of what was edited in the tables.
    if (!place || this.#side === "original") return undefined;
    const view = plainView(this.catalog, place.schema, "table_0");
    return {
      apply: () => {
        const schema = this.#world.schemas[place.schema];
        if (schema) schema.tables[place.table] = view;
        return [{ facet: "tables", object: place.name, before: "table", after: "view", exists: true }];
      },
    };
  }

  #changeView(): Edit | undefined {
    const place = this.#dice.pick(this.#tables("view"));
    const said = /FROM (\w+)\.(\w+)\.(\w+) WHERE level > (\d+)/.exec(place?.what.viewText ?? "");
    if (!place || !said) return undefined;
    const [, catalog = "", schema, table, limit] = said;
    // Reading the other side's tables is a change as well.
    const isOwn = this.#dice.below(3) > 0;
    const target = isOwn ? this.catalog : catalogs[this.#side === "copy" ? "original" : "copy"];
    const next = this.#dice.below(4);
    const text = `SELECT id, title AS label FROM ${target}.${schema}.${table} WHERE level > ${next}`;
    // What the copy's view must read: its own catalog in place of the original's, and every other catalog as it is.
    const meaning = (of: string, than: unknown): string => `${this.#side === "original" ? catalogs.copy : of} ${than}`;
    return {
      ddl: [`CREATE OR REPLACE VIEW ${this.full(place.name)} AS ${text}`],
      apply: () => {
        place.what.viewText = text;
        return [
          { facet: "views", object: place.name, item: "query", before: meaning(catalog, limit), after: meaning(target, next) },
        ];
      },
    };
  }

  #addColumn(): Edit | undefined {
    const place = this.#table();
    if (!place) return undefined;
    const name = this.#new("more");
    const at = this.#dice.below(3) > 0 ? place.what.columns.length : this.#dice.below(place.what.columns.length);
    const after = place.what.columns[at - 1]?.name;
    const where = at === place.what.columns.length ? "" : after === undefined ? " FIRST" : ` AFTER ${after}`;
    return {
      ddl: [`ALTER TABLE ${this.full(place.name)} ADD COLUMN ${name} INT${where}`],
      apply: () => {
        place.what.columns.splice(at, 0, { name, type: "int", nullable: true });
        return [column(`${place.name}.${name}`, undefined, "column")];
      },
    };
  }

  /** Of columns that nothing depends on. */
  #dropColumn(): Edit | undefined {
    const place = this.#column(({ name }) => /^(score|settings|created_at|more_)/.test(name));
    if (!place) return undefined;
    return {
      ddl: [`ALTER TABLE ${this.full(place.name)} DROP COLUMN ${place.column.name}`],
      apply: () => {
        const at = place.what.columns.indexOf(place.column);
        place.what.columns.splice(at, 1);
        this.#removedColumns.set(place.object, { column: place.column, at });
        return [column(place.object, "column", undefined)];
      },
    };
  }

  #restoreColumn(): Edit | undefined {
    const name = this.#dice.pick([...this.#removedColumns.keys()]);
    const removed = name === undefined ? undefined : this.#removedColumns.get(name);
    const [schema = "", table = ""] = (name ?? "").split(".");
    const what = this.#world.schemas[schema]?.tables[table];
    if (name === undefined || !removed || what?.kind !== "table") return undefined;
    return {
      apply: () => {
        what.columns.splice(removed.at, 0, removed.column);
        this.#removedColumns.delete(name);
        return [column(name, undefined, "column")];
      },
    };
  }

  #moveColumn(): Edit | undefined {
    const place = this.#column();
    if (!place || place.what.columns.length < 3) return undefined;
    const rest = place.what.columns.filter((one) => one !== place.column);
    const at = this.#dice.below(rest.length + 1);
    const after = rest[at - 1]?.name;
    return {
      ddl: [
        `ALTER TABLE ${this.full(place.name)} ALTER COLUMN ${place.column.name} ${after === undefined ? "FIRST" : `AFTER ${after}`}`,
      ],
      apply: () => {
        place.what.columns.splice(0, place.what.columns.length, ...rest.toSpliced(at, 0, place.column));
        return [];
      },
    };
  }

  #renameColumn(): Edit | undefined {
    const back = this.#dice.below(2) === 0 ? this.#dice.pick([...this.#renamed]) : undefined;
    const place = back ? this.#placeOf(back[0]) : this.#column(({ name }) => /^(score|settings|created_at)/.test(name));
    if (!place) return undefined;
    const [from, to] = [place.column.name, back?.[1] ?? this.#new("renamed")];
    return {
      ddl: [`ALTER TABLE ${this.full(place.name)} RENAME COLUMN ${from} TO ${to}`],
      apply: () => {
        place.column.name = to;
        if (back) this.#renamed.delete(back[0]);
        else this.#renamed.set(`${place.name}.${to}`, from);
        return [column(`${place.name}.${from}`, "column", undefined), column(`${place.name}.${to}`, undefined, "column")];
      },
    };
  }

  #placeOf(object: string): (Place & { column: ColumnStructure; object: string }) | undefined {
    const [schema = "", table = "", name] = object.split(".");
    const what = this.#world.schemas[schema]?.tables[table];
    const found = what?.columns.find((one) => one.name === name);
    return what && found ? { schema, table, name: `${schema}.${table}`, what, column: found, object } : undefined;
  }

  #changeType(): Edit | undefined {
    const place = this.#column(
      ({ name, generatedAs, identity }) => !generatedAs && !identity && /^(score|more_|level|title|settings)/.test(name),
    );
    if (!place) return undefined;
    const before = place.column.type;
    const wider = { "decimal(5,2)": "decimal(10,2)", int: "bigint" }[before];
    const others = [
      "int",
      "bigint",
      "decimal(5,2)",
      "string collate utf8_lcase",
      "struct<theme:string,tags:array<int>>",
      "map<string,int>",
    ];
    const after = wider && this.#dice.below(2) === 0 ? wider : (this.#dice.pick(others) ?? "int");
    const isAlter = after === wider && /^(score|more_)/.test(place.column.name);
    return {
      ...(isAlter ? { ddl: [`ALTER TABLE ${this.full(place.name)} ALTER COLUMN ${place.column.name} TYPE ${after}`] } : {}),
      apply: () => {
        place.column.type = after;
        return [{ facet: "types", object: place.object, before, after }];
      },
    };
  }

  #changeNullability(): Edit | undefined {
    const place = this.#column(({ name }) => /^(title|score|created_at|level|more_)/.test(name));
    if (!place) return undefined;
    const { nullable } = place.column;
    return {
      ddl: [`ALTER TABLE ${this.full(place.name)} ALTER COLUMN ${place.column.name} ${nullable ? "SET" : "DROP"} NOT NULL`],
      apply: () => {
        place.column.nullable = !nullable;
        return [{ facet: "nullability", object: place.object, before: String(nullable), after: String(!nullable) }];
      },
    };
  }

  #changeNested(key: "notNull" | "comment"): Edit | undefined {
    const place = this.#column(({ name }) => name === "settings");
    if (!place) return undefined;
    const path = this.#dice.pick(["theme", "tags", "tags.element"]) ?? "";
    const { [path]: old = {}, ...rest } = place.column.nested ?? {};
    const value = key === "notNull" ? !old.notNull || undefined : this.#dice.pick(["a", "b", undefined]);
    return {
      apply: () => {
        place.column.nested = { ...rest, [path]: { ...old, [key]: value } };
        const facet = key === "notNull" ? "nullability" : "comments";
        return [{ facet, object: place.object, item: path, before: text(old[key]), after: text(value) }];
      },
    };
  }

  #changeDefault(): Edit | undefined {
    const place = this.#column(({ name }) => /^(title|score|level)$/.test(name));
    if (!place) return undefined;
    const before = place.column.default;
    const after = this.#dice.pick(
      place.column.name === "title" ? ["'none'", "'some'", "'None'", undefined] : ["1", "2", undefined],
    );
    const ddl = after === undefined ? "DROP DEFAULT" : `SET DEFAULT ${after}`;
    return {
      ddl: [`ALTER TABLE ${this.full(place.name)} ALTER COLUMN ${place.column.name} ${ddl}`],
      apply: () => {
        set(place.column, "default", after);
        return [{ facet: "defaults", object: place.object, before, after }];
      },
    };
  }

  #changeGenerated(): Edit | undefined {
    const place = this.#column(({ name }) => name === "twice");
    if (!place) return undefined;
    const before = place.column.generatedAs;
    const after = this.#dice.pick(["level * 2", "level * 3", undefined]);
    return this.#rebuilt(place, () => {
      set(place.column, "generatedAs", after);
      return [{ facet: "generated", object: place.object, item: "GENERATED", before, after }];
    });
  }

  #changeIdentity(): Edit | undefined {
    const place = this.#column(({ name }) => name === "number");
    if (!place) return undefined;
    const { identity } = place.column;
    const after = this.#dice.pick([
      { always: true, start: 1, step: 1 },
      { always: false, start: 1, step: 1 },
      { always: true, start: 1, step: 5 },
      undefined,
    ]);
    return this.#rebuilt(place, () => {
      set(place.column, "identity", after);
      return [{ facet: "generated", object: place.object, item: "IDENTITY", before: text(identity), after: text(after) }];
    });
  }

  /** What no ALTER changes: the table is dropped and created again, if no key references it. */
  #rebuilt(place: Place, change: () => Change[]): Edit {
    const isReferenced = this.#tables().some(({ what }) =>
      Object.values(what.foreignKeys).some(({ references }) => references === place.name),
    );
    if (isReferenced) return { apply: change };
    const trial = structuredClone(place.what);
    const kept = { ...place.what };
    // The statements need the table as it will be.
    const columns = place.what.columns.map((one) => ({ ...one }));
    change();
    const ddl = [
      `DROP TABLE ${this.full(place.name)}`,
      ...createStatements(this.catalog, place.name, structuredClone(place.what)),
    ];
    Object.assign(place.what, kept);
    for (const [at, one] of place.what.columns.entries()) {
      for (const key of Object.keys(one))
        if (!(key in (columns[at] ?? {}))) delete (one as unknown as Record<string, unknown>)[key];
      Object.assign(one, columns[at]);
    }
    Object.assign(place.what, { clusteredBy: trial.clusteredBy, partitionedBy: trial.partitionedBy });
    return { ddl, apply: change };
  }

  #commentObject(): Edit | undefined {
    const object = this.#dice.pick([catalogItself, this.#schema(), this.#table()?.name, this.#table()?.name]);
    const on = object === undefined ? undefined : this.#object(object);
    if (object === undefined || !on) return undefined;
    const before = on.comment;
    const after = this.#dice.pick(["one", "it's", "äöü 名", undefined]);
    const said = after === undefined ? "NULL" : `'${after.replace("'", "\\'")}'`;
    return {
      ddl: [`COMMENT ON ${levelOf(object)} ${this.full(object)} IS ${said}`],
      apply: () => {
        set(on, "comment", after);
        return [{ facet: "comments", object, before, after }];
      },
    };
  }

  #commentColumn(): Edit | undefined {
    const place = this.#column();
    if (!place) return undefined;
    const before = place.column.comment;
    const after = this.#dice.pick(["one", "two", undefined]);
    return {
      ddl: [`ALTER TABLE ${this.full(place.name)} ALTER COLUMN ${place.column.name} COMMENT '${after ?? ""}'`],
      apply: () => {
        set(place.column, "comment", after);
        return [{ facet: "comments", object: place.object, before, after }];
      },
    };
  }

  #object(
    object: string,
  ):
    | { comment?: string; owner?: string; tags?: Record<string, string>; grants?: { principal: string; privilege: string }[] }
    | undefined {
    if (object === catalogItself) return this.#world;
    const [schema = "", table] = object.split(".");
    return table === undefined ? this.#world.schemas[schema] : this.#world.schemas[schema]?.tables[table];
  }

  #changeCheck(): Edit | undefined {
    const place = this.#table();
    if (!place || hasPolicy(place.what)) return undefined;
    const name = this.#dice.pick([...Object.keys(place.what.checks), "positive", "short"]) ?? "positive";
    const before = place.what.checks[name];
    const after = before === undefined ? (this.#dice.pick(["level > 0", "level >= 0"]) ?? "") : undefined;
    const ddl = after === undefined ? `DROP CONSTRAINT ${name}` : `ADD CONSTRAINT ${name} CHECK (${after})`;
    return {
      ddl: [`ALTER TABLE ${this.full(place.name)} ${ddl}`],
      apply: () => {
        set(place.what.checks, name, after);
        return [{ facet: "constraints", object: place.name, item: `CHECK ${name}`, before, after }];
      },
    };
  }

  #changeForeignKey(): Edit | undefined {
    const place = this.#dice.pick(this.#tables().filter(({ table }) => /^table_[1-9]/.test(table)));
    const target = this.#dice.pick(
      this.#tables().filter((one) => one.schema === place?.schema && one.what.primaryKey && one.name !== place.name),
    );
    if (!place || !target) return undefined;
    const name = this.#dice.pick([...Object.keys(place.what.foreignKeys), `fk_more_${place.table}`]) ?? "";
    const before = place.what.foreignKeys[name];
    const after = before ? undefined : { columns: ["parent_id"], references: target.name, to: ["id"] };
    const said = after
      ? `ADD CONSTRAINT ${name} FOREIGN KEY (parent_id) REFERENCES ${this.full(target.name)} (id)`
      : `DROP CONSTRAINT ${name}`;
    return {
      ddl: [`ALTER TABLE ${this.full(place.name)} ${said}`],
      apply: () => {
        set(place.what.foreignKeys, name, after);
        return [
          { facet: "constraints", object: place.name, item: `FOREIGN KEY ${name}`, before: text(before), after: text(after) },
        ];
      },
    };
  }

  #changePrimaryKey(): Edit | undefined {
    const place = this.#table();
    if (!place) return undefined;
    const before: TableStructure["primaryKey"] = place.what.primaryKey;
    const isReferenced = this.#tables().some(({ what }) =>
      Object.values(what.foreignKeys).some(({ references }) => references === place.name),
    );
    const after: TableStructure["primaryKey"] = before
      ? this.#dice.pick([undefined, { ...before, rely: !before.rely || undefined }])
      : { name: `pk_${place.table.split("_").at(-1)}`, columns: ["id"] };
    const said = after ? (before ? undefined : `ADD CONSTRAINT ${after.name} PRIMARY KEY (id)`) : `DROP PRIMARY KEY`;
    const canAlter =
      said !== undefined && !isReferenced && place.what.columns.some(({ name, nullable }) => name === "id" && !nullable);
    return {
      ...(canAlter ? { ddl: [`ALTER TABLE ${this.full(place.name)} ${said}`] } : {}),
      apply: () => {
        set(place.what, "primaryKey", after);
        const is = (rely: boolean | undefined): string | undefined => (rely ? "RELY" : undefined);
        return [
          { facet: "constraints", object: place.name, item: "PRIMARY KEY", before: before?.name, after: after?.name },
          {
            facet: "constraints",
            object: place.name,
            item: "PRIMARY KEY RELY",
            before: is(before?.rely),
            after: is(after?.rely),
          },
        ];
      },
    };
  }

  #changeProperty(): Edit | undefined {
    const place = this.#table();
    if (!place) return undefined;
    const key = this.#dice.pick(["team", "Team", "delta.logRetentionDuration", "quality.rule"]) ?? "";
    const before = place.what.properties[key];
    const after = this.#dice.pick(["interval 5 days", "interval 6 days", undefined]);
    if (before === undefined && after === undefined) return undefined;
    return {
      ddl: [
        `ALTER TABLE ${this.full(place.name)} ${after === undefined ? `UNSET TBLPROPERTIES ('${key}')` : `SET TBLPROPERTIES ('${key}' = '${after}')`}`,
      ],
      apply: () => {
        set(place.what.properties, key, after);
        return [{ facet: "properties", object: place.name, item: key, before, after }];
      },
    };
  }

  #changeClustering(): Edit | undefined {
    const place = this.#dice.pick(this.#tables().filter(({ what }) => what.partitionedBy.length === 0));
    if (!place) return undefined;
    const before = place.what.clusteredBy.join() || undefined;
    const after = this.#dice.pick([["id"], ["id", "title"], ["title", "id"], []]) ?? [];
    if (!after.every((name) => place.what.columns.some((one) => one.name === name))) return undefined;
    return {
      ddl: [`ALTER TABLE ${this.full(place.name)} CLUSTER BY ${after.length === 0 ? "NONE" : `(${after.join(", ")})`}`],
      apply: () => {
        place.what.clusteredBy = after;
        return [{ facet: "clustering", object: place.name, item: "CLUSTER BY", before, after: after.join() || undefined }];
      },
    };
  }

  #changePartitions(): Edit | undefined {
    const place = this.#dice.pick(this.#tables().filter(({ what }) => what.clusteredBy.length === 0));
    if (!place) return undefined;
    const before = place.what.partitionedBy.join() || undefined;
    const after = this.#dice.pick([["level"], ["title"], []]) ?? [];
    return {
      apply: () => {
        place.what.partitionedBy = after;
        return [{ facet: "clustering", object: place.name, item: "PARTITIONED BY", before, after: after.join() || undefined }];
      },
    };
  }

  #changeGrant(): Edit | undefined {
    const object = this.#dice.pick([
      catalogItself,
      this.#schema(),
      this.#table()?.name,
      this.#dice.pick(this.#tables("view"))?.name,
    ]);
    const on = object === undefined ? undefined : this.#object(object);
    if (object === undefined || !on) return undefined;
    const principal = this.#dice.pick(["teachers", "someone@school.test", "pipeline"]) ?? "";
    const privilege = this.#dice.pick(["SELECT", "MODIFY", "ALL PRIVILEGES"]) ?? "";
    const had = on.grants?.some((one) => one.principal === principal && one.privilege === privilege) ?? false;
    const said = `${privilege} ON ${levelOf(object)} ${this.full(object)} ${had ? "FROM" : "TO"} \`${principal}\``;
    return {
      ddl: [`${had ? "REVOKE" : "GRANT"} ${said}`],
      apply: () => {
        const others = (on.grants ?? []).filter((one) => one.principal !== principal || one.privilege !== privilege);
        on.grants = had ? others : [...others, { principal, privilege }];
        const [before, after] = had ? ["granted", undefined] : [undefined, "granted"];
        return [{ facet: "grants", object, item: `${privilege} TO ${principal}`, before, after }];
      },
    };
  }

  #changeOwner(): Edit | undefined {
    const object = this.#dice.pick([this.#schema(), this.#table()?.name]);
    const on = object === undefined ? undefined : this.#object(object);
    if (object === undefined || !on) return undefined;
    const before = on.owner;
    const after = this.#dice.pick([owner, "someone@school.test", "other@school.test"]) ?? owner;
    return {
      ddl: [`ALTER ${levelOf(object)} ${this.full(object)} OWNER TO \`${after}\``],
      apply: () => {
        on.owner = after;
        return [{ facet: "grants", object, item: "OWNER", before, after }];
      },
    };
  }

  #changeTag(): Edit | undefined {
    const place = this.#column();
    const object = this.#dice.pick([catalogItself, this.#schema(), place?.name, place?.object]);
    const on = object === place?.object ? place?.column : object === undefined ? undefined : this.#object(object);
    if (object === undefined || !on) return undefined;
    const key = this.#dice.pick(["team", "zone", "class.name"]) ?? "";
    const before = on.tags?.[key];
    const after = this.#dice.pick(["a", "b", "", undefined]);
    if (before === undefined && after === undefined) return undefined;
    const where =
      object === place?.object
        ? `COLUMN ${this.full(place.name)}.${place.column.name}`
        : `${levelOf(object)} ${this.full(object)}`;
    return {
      ddl: [
        after === undefined
          ? `UNSET TAG ON ${where} \`${key}\``
          : `SET TAG ON ${where} \`${key}\`${after === "" ? "" : ` = \`${after}\``}`,
      ],
      apply: () => {
        const tags = { ...on.tags };
        set(tags, key, after);
        on.tags = tags;
        return [{ facet: "policies", object, item: `TAG ${key}`, before, after }];
      },
    };
  }

  #changeFilter(): Edit | undefined {
    const place = this.#table();
    if (!place?.what.columns.some(({ name }) => name === "title") || hasCheck(place.what)) return undefined;
    const before = place.what.rowFilter ? "filter" : undefined;
    const after = place.what.rowFilter ? undefined : { function: `${this.catalog}.rules.visible`, columns: ["title"] };
    return {
      ddl: [`ALTER TABLE ${this.full(place.name)} ${after ? `SET ROW FILTER ${after.function} ON (title)` : "DROP ROW FILTER"}`],
      apply: () => {
        set(place.what, "rowFilter", after);
        return [{ facet: "policies", object: place.name, item: "ROW FILTER", before, after: after ? "filter" : undefined }];
      },
    };
  }

  #changeMask(): Edit | undefined {
    const place = this.#column(({ name }) => name === "title");
    if (!place || hasCheck(place.what)) return undefined;
    const before = place.column.mask ? "mask" : undefined;
    const after = place.column.mask ? undefined : { function: `${this.catalog}.rules.hidden`, columns: [] };
    return {
      ddl: [`ALTER TABLE ${this.full(place.name)} ALTER COLUMN title ${after ? `SET MASK ${after.function}` : "DROP MASK"}`],
      apply: () => {
        set(place.column, "mask", after);
        return [{ facet: "policies", object: place.object, item: "MASK", before, after: after ? "mask" : undefined }];
      },
    };
  }

  /** What is no difference. */
  #noise(): Edit | undefined {
    const place = this.#table();
    const view = this.#dice.pick(this.#tables("view"))?.what;
    if (!place || !view) return undefined;
    const { what } = place;
    const [check] = Object.entries(what.checks);
    const text = view.viewText ?? "";
    const kinds: (() => unknown)[] = [
      () => set(what.properties, "delta.lastCommitTimestamp", String(this.#dice.below(1_000_000))),
      () => set(what.properties, "delta.rowTracking.materializedRowIdColumnName", `_row-id-${this.#dice.below(1_000_000)}`),
      () => set(what.properties, "delta.columnMapping.maxColumnId", String(this.#dice.below(100))),
      () => set(what, "properties", Object.fromEntries(Object.entries(what.properties).toReversed())),
      () => set(what, "grants", what.grants?.toReversed()),
      () => set(view, "viewText", text.replace("SELECT id", "select\n  `ID`")),
      () => set(view, "viewText", text.replace(" WHERE", " -- those of interest\n WHERE")),
      () => check && set(what.checks, check[0], `(${check[1].toUpperCase()})`),
    ];
    const kind = this.#dice.pick(kinds);
    return {
      apply: () => {
        kind?.();
        return [];
      },
    };
  }
}

/** A table with a policy may have no CHECK, and the other way round. */
function hasCheck({ checks }: TableStructure): boolean {
  return Object.keys(checks).length > 0;
}

function hasPolicy({ rowFilter, columns }: TableStructure): boolean {
  return rowFilter !== undefined || columns.some(({ mask }) => mask !== undefined);
}

function column(object: string, before: string | undefined, after: string | undefined): Change {
  return { facet: "columns", object, before, after, exists: true };
}

function set(on: object, key: string, value: unknown): void {
  if (value === undefined) delete (on as Record<string, unknown>)[key];
  else (on as Record<string, unknown>)[key] = value;
}

function text(value: unknown): string | undefined {
  return value === undefined ? undefined : JSON.stringify(value);
}

function levelOf(object: string): string {
  if (object === catalogItself) return "CATALOG";
  return object.includes(".") ? "TABLE" : "SCHEMA";
}

/** Everything that makes a table as it is. */
export function createStatements(catalog: string, name: string, table: TableStructure): string[] {
  const full = `${catalog}.${name}`;
  if (table.kind === "view") return [`CREATE VIEW ${full} AS ${table.viewText}`, ...extras(full, table)];
  const columns = table.columns.map(
    ({ name: column, type, nullable, default: given, generatedAs, identity, comment }) =>
      `${column} ${type}${nullable ? "" : " NOT NULL"}${given === undefined ? "" : ` DEFAULT ${given}`}${
        generatedAs === undefined ? "" : ` GENERATED ALWAYS AS (${generatedAs})`
      }${identity ? ` GENERATED ${identity.always ? "ALWAYS" : "BY DEFAULT"} AS IDENTITY (START WITH ${identity.start} INCREMENT BY ${identity.step})` : ""}${
        comment === undefined ? "" : ` COMMENT '${comment.replace("'", "\\'")}'`
      }`,
  );
  const keys = [
    ...(table.primaryKey
      ? [
          `CONSTRAINT ${table.primaryKey.name} PRIMARY KEY (${table.primaryKey.columns.join(", ")})${table.primaryKey.rely ? " RELY" : ""}`,
        ]
      : []),
    ...Object.entries(table.foreignKeys).map(
      ([key, { columns: own, references, to }]) =>
        `CONSTRAINT ${key} FOREIGN KEY (${own.join(", ")}) REFERENCES ${catalog}.${references} (${to.join(", ")})`,
    ),
  ];
  const properties = Object.entries(table.properties).map(([key, value]) => `'${key}' = '${value}'`);
  const create = `CREATE TABLE ${full} (${[...columns, ...keys].join(", ")})${
    table.partitionedBy.length > 0 ? ` PARTITIONED BY (${table.partitionedBy.join(", ")})` : ""
  }${table.clusteredBy.length > 0 ? ` CLUSTER BY (${table.clusteredBy.join(", ")})` : ""}${
    table.comment === undefined ? "" : ` COMMENT '${table.comment.replace("'", "\\'")}'`
  } TBLPROPERTIES (${properties.join(", ")})`;
  const checks = Object.entries(table.checks).map(([key, value]) => `ALTER TABLE ${full} ADD CONSTRAINT ${key} CHECK (${value})`);
  return [create, ...checks, ...extras(full, table)];
}

function extras(full: string, table: TableStructure): string[] {
  const tag = (where: string, tags: Record<string, string> = {}): string[] =>
    Object.entries(tags).map(([key, value]) => `SET TAG ON ${where} \`${key}\`${value === "" ? "" : ` = \`${value}\``}`);
  return [
    ...(table.kind === "view" && table.comment !== undefined ? [`COMMENT ON TABLE ${full} IS '${table.comment}'`] : []),
    ...tag(`TABLE ${full}`, table.tags),
    ...table.columns.flatMap((column) => tag(`COLUMN ${full}.${column.name}`, column.tags)),
    ...(table.grants ?? []).map(({ principal, privilege }) => `GRANT ${privilege} ON TABLE ${full} TO \`${principal}\``),
    ...(table.rowFilter
      ? [`ALTER TABLE ${full} SET ROW FILTER ${table.rowFilter.function} ON (${table.rowFilter.columns.join(", ")})`]
      : []),
    ...table.columns.flatMap(({ name, mask }) =>
      mask ? [`ALTER TABLE ${full} ALTER COLUMN ${name} SET MASK ${mask.function}`] : [],
    ),
    ...(table.owner === undefined || table.owner === owner ? [] : [`ALTER TABLE ${full} OWNER TO \`${table.owner}\``]),
  ];
}
