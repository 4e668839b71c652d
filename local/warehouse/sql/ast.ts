/** The supported part of Databricks SQL. What these types cannot express cannot be run. */

export type Expression =
  | { kind: "null" }
  | { kind: "boolean"; value: boolean }
  | { kind: "number"; text: string }
  | { kind: "string"; value: string }
  | { kind: "typed-literal"; type: "DATE" | "TIMESTAMP"; value: string }
  | { kind: "parameter"; name: string | undefined; ordinal: number }
  | { kind: "interval"; parts: { amount: string; unit: string }[] }
  | { kind: "column"; parts: string[] }
  | { kind: "star"; qualifier: string[]; except: string[] }
  | { kind: "call"; name: string; distinct: boolean; arguments: Expression[]; filter?: Expression; over?: Window }
  | { kind: "unary"; operator: "-" | "+" | "NOT"; operand: Expression }
  | { kind: "logical"; operator: "OR" | "AND"; operands: Expression[] }
  | { kind: "binary"; operator: BinaryOperator; left: Expression; right: Expression }
  | { kind: "like"; operand: Expression; pattern: Expression; escapeCharacter?: string; insensitive: boolean; negated: boolean }
  | { kind: "in"; operand: Expression; candidates: Expression[] | Query; negated: boolean }
  | { kind: "between"; operand: Expression; low: Expression; high: Expression; negated: boolean }
  | { kind: "is"; operand: Expression; what: "NULL" | "TRUE" | "FALSE" | { distinctFrom: Expression }; negated: boolean }
  | { kind: "case"; operand?: Expression; branches: { when: Expression; result: Expression }[]; otherwise?: Expression }
  | { kind: "cast"; operand: Expression; type: string; orNull: boolean }
  | { kind: "exists"; query: Query }
  | { kind: "subquery"; query: Query }
  | { kind: "index"; operand: Expression; index: Expression }
  | { kind: "field"; operand: Expression; name: string }
  /** `(x, i) -> x + i`, as an argument of a function. */
  | { kind: "lambda"; parameters: string[]; body: Expression };

export type BinaryOperator = "=" | "<=>" | "<>" | "<" | "<=" | ">" | ">=" | "+" | "-" | "||" | "*" | "/" | "%";

export interface Window {
  partitionBy: Expression[];
  orderBy: Ordering[];
  /** As written, from ROWS or RANGE on. */
  frame?: string;
}

export interface Ordering {
  expression: Expression;
  descending: boolean;
  nullsFirst: boolean;
}

export interface Query {
  kind: "query";
  with: { name: string; columns: string[]; query: Query }[];
  body: QueryBody;
  orderBy: Ordering[];
  limit?: Expression;
  offset?: Expression;
}

export type QueryBody =
  | Select
  | { kind: "set"; operator: "UNION" | "EXCEPT" | "INTERSECT"; all: boolean; left: QueryBody; right: QueryBody }
  | { kind: "values"; rows: Expression[][] }
  | { kind: "nested"; query: Query };

export interface Select {
  kind: "select";
  distinct: boolean;
  items: { expression: Expression; alias?: string }[];
  from?: Relation;
  lateralViews: { outer: boolean; function: Expression; table: string; columns: string[] }[];
  where?: Expression;
  groupBy: Expression[] | "ALL";
  having?: Expression;
  qualify?: Expression;
}

export type Relation =
  | { kind: "table"; name: string[]; travel?: TimeTravel; alias?: string; columns: string[] }
  | { kind: "derived"; query: Query; lateral: boolean; alias?: string; columns: string[] }
  /** `(DESCRIBE HISTORY t LIMIT 3)` as a subquery: Databricks supports it, Delta alone doesn't. */
  | { kind: "history"; table: string[]; limit?: number; alias?: string; columns: string[] }
  | { kind: "function"; call: Expression; alias?: string; columns: string[] }
  | { kind: "join"; type: JoinType; left: Relation; right: Relation; on?: Expression; using: string[] };

export type JoinType = "INNER" | "LEFT" | "RIGHT" | "FULL" | "CROSS" | "LEFT SEMI" | "LEFT ANTI";

export type TimeTravel = { version: number } | { timestamp: Expression };

export interface ColumnDefinition {
  name: string;
  type: string;
  nullable: boolean;
  comment?: string;
  default?: Clause;
  generated?: Clause;
  identity?: { always: boolean; start: number; step: number };
}

/** An expression of a table's definition, with its text for messages and the history. */
export interface Clause {
  text: string;
  expression: Expression;
}

/** A primary or foreign key. Without a name it gets one. */
export type KeyDefinition = { name: string | undefined; columns: string[]; rely: boolean } & (
  | { kind: "primary" }
  /** Without columns: those of the parent's primary key. */
  | { kind: "foreign"; parent: string[]; to: string[] | undefined }
);

/** How the rows of a table are laid out. */
export interface TableLayout {
  clusteredBy: string[];
  partitionedBy: string[];
}

export type Position = "first" | { after: string };

export interface AddedColumn extends ColumnDefinition {
  position?: Position;
}

/** What ALTER TABLE changes. */
export type TableAction =
  | { kind: "rename"; to: string[]; isView?: true }
  | { kind: "add-columns"; columns: AddedColumn[] }
  | { kind: "drop-columns"; names: string[]; ifExists: boolean }
  | { kind: "rename-column"; from: string; to: string }
  | { kind: "move-column"; name: string; position: Position }
  | { kind: "change-type"; name: string; type: string }
  | { kind: "comment-column"; name: string; comment: string }
  | { kind: "set-nullable"; name: string; nullable: boolean }
  | { kind: "set-default"; name: string; default: Clause | undefined }
  | { kind: "set-row-filter"; routine: string[]; columns: string[] }
  | { kind: "drop-row-filter" }
  | { kind: "set-mask"; name: string; routine: string[]; columns: string[] }
  | { kind: "drop-mask"; name: string }
  | { kind: "set-properties"; properties: Record<string, string> }
  | { kind: "unset-properties"; keys: string[] }
  | { kind: "add-constraint"; name: string; check: Clause }
  | { kind: "drop-constraint"; name: string; ifExists: boolean; cascade: boolean }
  | { kind: "add-key"; key: KeyDefinition }
  | { kind: "drop-primary-key"; ifExists: boolean; cascade: boolean }
  | { kind: "drop-foreign-key"; ifExists: boolean; columns: string[] }
  | { kind: "cluster-by"; columns: string[] }
  | { kind: "column-tags"; column: string; set: Record<string, string>; unset: string[] };

/** The name of a column ends with it. */
export type Securable = { kind: "METASTORE" | "CATALOG" | "SCHEMA" | "TABLE" | "COLUMN"; name: string[] };

/** GRANT or REVOKE. */
export interface Grants {
  kind: "grant" | "revoke";
  privileges: string[];
  on: Securable;
  principal: string;
}

export type Statement =
  | Query
  | { kind: "insert"; table: string[]; columns: string[]; byName: boolean; query: Query; overwrite: boolean }
  | { kind: "truncate"; table: string[] }
  | { kind: "restore"; table: string[]; version: number }
  | { kind: "delete"; table: string[]; alias?: string; where?: Expression; predicate: string }
  | { kind: "merge-delete"; table: string[]; alias?: string; source: Query; sourceAlias: string; on: Expression }
  | {
      kind: "update";
      table: string[];
      alias?: string;
      set: { column: string; value: Expression }[];
      where?: Expression;
      predicate: string;
    }
  | { kind: "create-catalog"; name: string; ifNotExists: boolean; comment?: string }
  | { kind: "drop-catalog"; name: string; ifExists: boolean; cascade: boolean }
  | { kind: "create-schema"; name: string[]; ifNotExists: boolean; comment?: string }
  | {
      kind: "create-table";
      name: string[];
      columns: ColumnDefinition[];
      /** CHECK constraints by name. */
      constraints: Record<string, Clause>;
      keys: KeyDefinition[];
      layout: TableLayout;
      ifNotExists: boolean;
      replace: boolean;
      comment?: string;
      properties: Record<string, string>;
      query?: Query;
    }
  | {
      kind: "create-view";
      name: string[];
      columns: { name: string; comment?: string }[];
      ifNotExists: boolean;
      replace: boolean;
      comment?: string;
      query: Query;
      text: string;
    }
  | {
      kind: "create-function";
      name: string[];
      parameters: { name: string; type: string }[];
      returns?: string;
      body: Clause;
      replace: boolean;
    }
  | { kind: "drop-function"; name: string[]; ifExists: boolean }
  | { kind: "drop-view"; name: string[]; ifExists: boolean }
  | { kind: "create-like"; name: string[]; source: string[]; ifNotExists: boolean }
  | {
      kind: "clone";
      name: string[];
      source: string[];
      shallow: boolean;
      version?: number;
      ifNotExists: boolean;
      replace: boolean;
    }
  | { kind: "alter-table"; table: string[]; action: TableAction }
  | { kind: "drop-schema"; name: string[]; ifExists: boolean; cascade: boolean }
  | { kind: "drop-table"; name: string[]; ifExists: boolean }
  | Grants
  | { kind: "owner"; on: Securable; owner: string }
  | { kind: "retain-dropped"; on: Securable; hours: number }
  | { kind: "comment-on"; on: Securable; comment: string | undefined }
  | { kind: "tags"; on: Securable; set: Record<string, string>; unset: string[] }
  | { kind: "use"; what: "CATALOG" | "SCHEMA"; name: string[] }
  | { kind: "set"; name?: string; value?: string }
  | { kind: "show-catalogs"; pattern?: string }
  | { kind: "show-schemas"; catalog?: string; pattern?: string }
  | { kind: "show-tables"; schema?: string[]; pattern?: string }
  | { kind: "show-views"; schema?: string[]; pattern?: string }
  | { kind: "show-columns"; table: string[] }
  | { kind: "show-properties"; table: string[] }
  | { kind: "show-create"; table: string[] }
  | { kind: "show-grants"; principal?: string; on: Securable }
  | { kind: "describe-table"; table: string[]; extended: boolean; asJson: boolean }
  | { kind: "describe-history"; table: string[]; limit?: number }
  | { kind: "describe-detail"; table: string[] }
  | { kind: "describe-query"; query: Query }
  | { kind: "explain"; of: Query | Extract<Statement, { kind: "insert" }> };
