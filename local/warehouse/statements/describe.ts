import type { Table } from "../catalog.ts";
import { described, keysOf } from "../keys.ts";
import { tableName } from "../names.ts";
import { type Column, MapValue, type ResultSet, resultOf, texts, type Value } from "../results.ts";
import type { Statement } from "../sql/ast.ts";
import { generateQuery } from "../sql/generate-query.ts";
import { bigint, boolean, type DataType, int, string, timestamp, typeName } from "../types.ts";
import { propertiesOf, tableAsJson } from "./as-json.ts";
import { requireComparable } from "./comparable.ts";
import type { Context } from "./context.ts";
import { refusePolicies } from "./policies.ts";

type Of<Kind extends Statement["kind"]> = Extract<Statement, { kind: Kind }>;

const description = texts("col_name", "data_type", "comment");

export function describeTable(statement: Of<"describe-table">, context: Context): ResultSet {
  const table = readable(statement.table, context);
  if (statement.asJson)
    return resultOf(texts("json_metadata"), [[tableAsJson(table, ownerOf(table, context), context.catalogs)]]);
  const columns: Value[][] = table.columns.map((column) => [column.name, typeName(column.type), column.comment ?? null]);
  const layout = [
    ...columnsSection("# Partition Information", table.partitionedBy, table),
    ...columnsSection("# Clustering Information", table.clusteredBy, table),
  ];
  if (!statement.extended) return resultOf(description, [...columns, ...layout]);
  const owner = ownerOf(table, context);
  const details = [
    ["", "", ""],
    ["# Detailed Table Information", "", ""],
    ["Catalog", table.catalog, ""],
    ["Database", table.schema, ""],
    ["Table", table.name, ""],
    ["Created Time", new Date(table.createdAt).toUTCString(), ""],
    ["Created By", table.owner, ""],
    ["Type", table.view ? "VIEW" : "MANAGED", ""],
    ["Comment", table.comment ?? "", ""],
    ...(table.view ? [["View Text", table.view.text, ""]] : [["Provider", "delta", ""]]),
    ["Owner", owner, ""],
    [
      "Table Properties",
      `[${Object.entries(propertiesOf(table))
        .map(([key, value]) => `${key}=${value}`)
        .join(",")}]`,
      "",
    ],
  ];
  const keys = keysOf(table, context.catalogs).map((key) => [key.name, described(key), ""]);
  const constraints = keys.length > 0 ? [["", "", ""], ["# Constraints", "", ""], ...keys] : [];
  return resultOf(description, [...columns, ...layout, ...details, ...constraints]);
}

function columnsSection(title: string, names: readonly string[], table: Table): Value[][] {
  if (names.length === 0) return [];
  const columns = names.map((name) => {
    const column = table.columns.find((one) => one.name === name);
    return [name, column ? typeName(column.type) : "", column?.comment ?? null];
  });
  return [[title, "", ""], ["# col_name", "data_type", "comment"], ...columns];
}

function ownerOf(table: Table, { privileges }: Context): string {
  return privileges.owner(`${table.catalog}.${table.schema}.${table.name}`, table.owner);
}

export async function describeQuery(statement: Of<"describe-query">, context: Context): Promise<ResultSet> {
  const sql = generateQuery(statement.query, context.environment, new Set());
  await requireComparable(context);
  const { columns } = await context.storage.read(`SELECT * FROM (${sql}) LIMIT 0`, context.signal);
  return resultOf(
    description,
    columns.map((column) => [column.name, typeName(column.type), null]),
  );
}

const textMap: DataType = { kind: "map", key: string, value: string };

const historyColumns: Column[] = [
  { name: "version", type: bigint },
  { name: "timestamp", type: timestamp },
  ...texts("userId", "userName", "operation"),
  { name: "operationParameters", type: textMap },
  ...texts("clusterId"),
  { name: "readVersion", type: bigint },
  ...texts("isolationLevel"),
  { name: "isBlindAppend", type: boolean },
  { name: "operationMetrics", type: textMap },
  ...texts("userMetadata", "engineInfo"),
];

/** Newest first. */
export function describeHistory(statement: Of<"describe-history">, context: Context): ResultSet {
  const table = readable(statement.table, context, "DESCRIBE HISTORY");
  refusePolicies(table, "DESCRIBE_HISTORY");
  const rows = table.history
    .map((version, index): Value[] => [
      BigInt(index),
      BigInt(version.at) * 1000n,
      version.user,
      version.user,
      version.operation,
      mapOf(version.parameters),
      null,
      index === 0 ? null : BigInt(index - 1),
      "WriteSerializable",
      version.operation === "WRITE",
      mapOf(version.metrics),
      null,
      "local-warehouse",
    ])
    .slice(table.loggedFrom)
    .reverse();
  return resultOf(historyColumns, statement.limit === undefined ? rows : rows.slice(0, statement.limit));
}

const textList: DataType = { kind: "array", element: string };

const bytesPerFile = 1_000n;

export function describeDetail(statement: Of<"describe-detail">, context: Context): ResultSet {
  const table = readable(statement.table, context, "DESCRIBE DETAIL");
  const altered = table.history.at(-1)?.at ?? table.createdAt;
  const columns: Column[] = [
    ...texts("format", "id", "name", "description", "location"),
    { name: "createdAt", type: timestamp },
    { name: "lastModified", type: timestamp },
    { name: "partitionColumns", type: textList },
    { name: "clusteringColumns", type: textList },
    { name: "numFiles", type: bigint },
    { name: "sizeInBytes", type: bigint },
    { name: "properties", type: textMap },
    { name: "minReaderVersion", type: int },
    { name: "minWriterVersion", type: int },
  ];
  const name = `${table.catalog}.${table.schema}.${table.name}`;
  const times = [BigInt(table.createdAt) * 1000n, BigInt(altered) * 1000n];
  // There are no files here: one for each version that changed rows, all of one size.
  const files = BigInt(table.history.filter(({ rowsChanged }) => rowsChanged > 0).length);
  const size = [files, files * bytesPerFile];
  return resultOf(columns, [
    [
      ...["delta", table.id, name, table.comment ?? null, "", ...times],
      ...[table.partitionedBy, table.clusteredBy],
      ...[...size, mapOf(propertiesOf(table)), 1, 2],
    ],
  ]);
}

/** @param operation if it takes a table, and no view */
function readable(name: string[], { catalogs, ...context }: Context, operation?: string): Table {
  const full = tableName(context.session, name);
  const table = operation === undefined ? catalogs.table(full) : catalogs.tableForChange(full, operation);
  context.privileges.requireTable(context.session.principal, table, "SELECT");
  return table;
}

function mapOf(record: Record<string, string>): MapValue {
  return new MapValue(Object.entries(record));
}
