import type { Table } from "../catalog.ts";
import { SqlError, UnsupportedSql } from "../errors.ts";
import type { Alteration } from "../table-writer.ts";

/** The properties of Delta that tables here have or accept without an effect. */
const known = new Set(
  `columnMapping.mode enableTypeWidening enableChangeDataFeed enableDeletionVectors enableRowTracking appendOnly isolationLevel
  logRetentionDuration deletedFileRetentionDuration checkpointInterval dataSkippingNumIndexedCols dataSkippingStatsColumns
  minReaderVersion minWriterVersion targetFileSize tuneFileSizesForRewrites randomizeFilePrefixes
  autoOptimize.autoCompact autoOptimize.optimizeWrite`
    .split(/\s+/)
    .map((name) => `delta.${name}`.toLowerCase()),
);

/** @throws SqlError DELTA_UNKNOWN_CONFIGURATION */
export function checkProperties(properties: Record<string, string>): void {
  for (const key of Object.keys(properties)) {
    const lower = key.toLowerCase();
    if (lower.startsWith("delta.") && !lower.startsWith("delta.feature.") && !known.has(lower))
      throw new SqlError("DELTA_UNKNOWN_CONFIGURATION", "F0000", `Unknown configuration was specified: ${key}`);
    if (lower === "delta.appendonly" && properties[key] === "true") throw new UnsupportedSql("a table that only appends");
  }
}

/** @throws SqlError WRONG_COLUMN_DEFAULTS_FOR_DELTA_FEATURE_NOT_ENABLED */
export function requireDefaults(command: string, properties: Readonly<Record<string, string>>): void {
  if (properties["delta.feature.allowColumnDefaults"] === "supported") return;
  throw new SqlError(
    "WRONG_COLUMN_DEFAULTS_FOR_DELTA_FEATURE_NOT_ENABLED",
    "0AKDE",
    `Failed to execute ${command} command because it assigned a column DEFAULT value,\nbut the corresponding table feature was not enabled. Please retry the command again\nafter executing ALTER TABLE tableName SET\nTBLPROPERTIES('delta.feature.allowColumnDefaults' = 'supported').`,
  );
}

export function setProperties(table: Table, properties: Record<string, string>): Alteration {
  checkProperties(properties);
  const mode = properties["delta.columnMapping.mode"];
  const old = table.properties.get("delta.columnMapping.mode") ?? "none";
  if (mode !== undefined && mode !== old && (old !== "none" || mode !== "name"))
    throw new UnsupportedSql(`changing delta.columnMapping.mode from ${old} to ${mode}`);
  return {
    entry: { operation: "SET TBLPROPERTIES", parameters: { properties: JSON.stringify(properties) }, metrics: {} },
    apply: () => {
      for (const [key, value] of Object.entries(properties)) table.properties.set(key, value);
    },
  };
}

export function unsetProperties(table: Table, keys: string[]): Alteration {
  if (keys.includes("delta.columnMapping.mode")) throw new UnsupportedSql("removing delta.columnMapping.mode");
  return {
    entry: {
      operation: "UNSET TBLPROPERTIES",
      parameters: { properties: JSON.stringify(keys), ifExists: "true" },
      metrics: {},
    },
    apply: () => {
      for (const key of keys) table.properties.delete(key);
    },
  };
}
