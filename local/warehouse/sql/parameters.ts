import { literal } from "../duckdb.ts";
import { SqlError, UnsupportedSql } from "../errors.ts";
import type { Parameter } from "../session.ts";
import { withoutNul } from "./generate.ts";

const most = 256;

/**
 * Finds a statement's parameters and writes them as DuckDB literals of the driver's type.
 * @throws SqlError UNBOUND_SQL_PARAMETER for a name or position without a value
 */
export function bindParameters(parameters: readonly Parameter[]): (name: string | undefined, ordinal: number) => string {
  if (parameters.length > most)
    throw new SqlError(
      "INVALID_PARAMETER_VALUE",
      "22023",
      `A statement takes at most ${most} parameters, and got ${parameters.length}.`,
    );
  const named = new Map(parameters.flatMap((parameter) => (parameter.name === undefined ? [] : [[parameter.name, parameter]])));
  const ordinals = parameters.filter((parameter) => parameter.name === undefined);
  return (name, ordinal) => {
    const parameter = name === undefined ? ordinals[ordinal] : named.get(name);
    if (parameter) return parameterLiteral(parameter);
    const shown = name === undefined ? `_${ordinal}` : name;
    throw new SqlError(
      "UNBOUND_SQL_PARAMETER",
      "42P02",
      `Found the unbound parameter: ${shown}. Please, fix \`args\` and provide a mapping of the parameter.`,
    );
  };
}

const casts: Readonly<Record<string, string>> = {
  TINYINT: "TINYINT",
  SMALLINT: "SMALLINT",
  INTEGER: "INTEGER",
  INT: "INTEGER",
  BIGINT: "BIGINT",
  FLOAT: "FLOAT",
  DOUBLE: "DOUBLE",
  BOOLEAN: "BOOLEAN",
  DATE: "DATE",
  TIMESTAMP: "TIMESTAMP WITH TIME ZONE",
};

/** Texts stay plain literals, because those compare with timestamps and dates as in Databricks. */
function parameterLiteral({ type, value }: Parameter): string {
  if (value === undefined || type === undefined || type === "VOID") return "NULL";
  const kind = type.toUpperCase();
  if (kind === "STRING") return literal(withoutNul(value));
  const malformed = new SqlError(
    "CAST_INVALID_INPUT",
    "22018",
    `The value '${value}' of a parameter cannot be cast to "${kind}" because it is malformed.`,
  );
  if (/^(TINYINT|SMALLINT|INTEGER|INT|BIGINT)$/.test(kind) && !/^[+-]?\d+$/.test(value)) throw malformed;
  if (/^DECIMAL\b/.test(kind)) {
    if (!/^[+-]?\d+(\.\d+)?$/.test(value)) throw malformed;
    return value;
  }
  const cast = casts[kind];
  if (cast === undefined) throw new UnsupportedSql(`parameters of type ${type}`);
  return `CAST(${literal(value)} AS ${cast})`;
}
