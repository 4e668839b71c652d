/** An error as Databricks words it: `[CLASS] sentence SQLSTATE: 42P01`. */
export class SqlError extends Error {
  override name = "SqlError";
  readonly errorClass: string;
  readonly sqlState: string;

  constructor(errorClass: string, sqlState: string, sentence: string, options?: ErrorOptions) {
    super(`[${errorClass}] ${sentence} SQLSTATE: ${sqlState}`, options);
    this.errorClass = errorClass;
    this.sqlState = sqlState;
  }
}

/** SQL that Databricks may support but the local warehouse doesn't. Refused, because a wrong result would be worse. */
export class UnsupportedSql extends SqlError {
  override name = "UnsupportedSql";

  constructor(what: string) {
    super("UNSUPPORTED_FEATURE.LOCAL_WAREHOUSE", "0A000", `The local warehouse does not support ${what}.`);
  }
}

export function syntaxError(near: string): SqlError {
  return new SqlError("PARSE_SYNTAX_ERROR", "42601", `Syntax error at or near ${near === "" ? "end of input" : `'${near}'`}.`);
}

export function tableNotFound(name: string): SqlError {
  return new SqlError(
    "TABLE_OR_VIEW_NOT_FOUND",
    "42P01",
    `The table or view ${name} cannot be found. Verify the spelling and correctness of the schema and catalog.`,
  );
}

export function tableExpected(operation: string, name: string): SqlError {
  return new SqlError("EXPECT_TABLE_NOT_VIEW.NO_ALTERNATIVE", "42809", `'${operation}' expects a table but ${name} is a view.`);
}

export function recursiveView(name: string): SqlError {
  return new SqlError("RECURSIVE_VIEW", "42K0H", `Recursive view ${name} detected.`);
}

export function schemaNotFound(name: string): SqlError {
  return new SqlError("SCHEMA_NOT_FOUND", "42704", `The schema ${name} cannot be found.`);
}

export function catalogNotFound(name: string): SqlError {
  return new SqlError("NO_SUCH_CATALOG_EXCEPTION", "42704", `Catalog ${name} was not found.`);
}

/** @throws SqlError COLUMN_ALREADY_EXISTS if a name occurs twice, ignoring case */
export function refuseRepeatedColumns(names: readonly string[]): void {
  const seen = new Set<string>();
  for (const name of names.map((column) => column.toLowerCase())) {
    if (seen.has(name))
      throw new SqlError(
        "COLUMN_ALREADY_EXISTS",
        "42711",
        `The column \`${name}\` already exists. Choose another name or rename the existing column.`,
      );
    seen.add(name);
  }
}

export function insufficientPermissions(
  privilege: string,
  kind: "Metastore" | "Catalog" | "Schema" | "Table",
  name: string,
): SqlError {
  return new SqlError(
    "INSUFFICIENT_PERMISSIONS",
    "42501",
    `Insufficient privileges: User does not have ${privilege} on ${kind} '${name}'.`,
  );
}

/**
 * Translates a DuckDB error to Databricks' wording. The original is kept as the cause and, for errors without a counterpart, in
 * the message.
 */
export function fromDuckDb(error: unknown): SqlError {
  if (error instanceof SqlError) return error;
  const text = error instanceof Error ? error.message : String(error);
  const own = /Invalid Input Error: \[([A-Z_.]+)\] (.*) SQLSTATE: (\w{5})/s.exec(text);
  if (own) return new SqlError(own[1] ?? "", own[3] ?? "", own[2] ?? "", { cause: error });
  const first = text.split("\n")[0] ?? text;
  for (const [pattern, errorClass, sqlState, sentence] of translations) {
    const match = pattern.exec(text);
    if (match) return new SqlError(errorClass, sqlState, sentence(match, first), { cause: error });
  }
  return new SqlError("INTERNAL_ERROR", "XX000", `The local warehouse could not run the statement: ${first}`, { cause: error });
}

type Translation = readonly [RegExp, string, string, (match: RegExpExecArray, first: string) => string];

const translations: readonly Translation[] = [
  [
    /Referenced column "([^"]+)" (?:was )?not found|Table "[^"]+" does not have a column named "([^"]+)"|Column "([^"]+)" referenced that exists in the SELECT clause/,
    "UNRESOLVED_COLUMN.WITH_SUGGESTION",
    "42703",
    (match) =>
      `A column, variable, or function parameter with name \`${match[1] ?? match[2] ?? match[3]}\` cannot be resolved. ${suggestion(match.input)}`.trim(),
  ],
  [
    /Referenced table "([^"]+)" not found/,
    "UNRESOLVED_COLUMN.WITH_SUGGESTION",
    "42703",
    (match) => `A column, variable, or function parameter with name \`${match[1]}\`.* cannot be resolved.`,
  ],
  [
    /Ambiguous reference to column name "([^"]+)"/,
    "AMBIGUOUS_REFERENCE",
    "42704",
    (match) => `Reference \`${match[1]}\` is ambiguous.`,
  ],
  [
    /must appear in the GROUP BY clause/,
    "MISSING_AGGREGATION",
    "42803",
    (_, first) => `A non-aggregating expression is based on columns which are not participating in the GROUP BY clause: ${first}`,
  ],
  [/Date out of range/, "DATETIME_FIELD_OUT_OF_BOUNDS", "22023", (_, first) => first],
  [/field value out of range/, "CAST_INVALID_INPUT", "22018", (_, first) => first],
  [/Overflow|out of range/i, "ARITHMETIC_OVERFLOW", "22003", (_, first) => first],
  [/Conversion Error|Could not convert|invalid \w+ field format/i, "CAST_INVALID_INPUT", "22018", (_, first) => first],
  [/Cannot compare values|No function matches|Binder Error/, "DATATYPE_MISMATCH", "42K09", (_, first) => first],
  // It was dropped or renamed after the statement was planned.
  [
    /Catalog Error: Table with name (.+?) does not exist/,
    "TABLE_OR_VIEW_NOT_FOUND",
    "42P01",
    (match) => `The table or view \`${match[1]}\` cannot be found.`,
  ],
  [/INTERRUPT/i, "OPERATION_CANCELED", "HY008", () => "The operation was canceled."],
  [/More than one row returned by a subquery/, "SCALAR_SUBQUERY_TOO_MANY_ROWS", "21000", (_, first) => first],
];

function suggestion(text: string): string {
  const names = /Candidate bindings: (.*)/.exec(text)?.[1];
  return names ? `Did you mean one of the following? [${names.replaceAll('"', "`")}]` : "";
}
