/**
 * Table properties that nobody sets: Delta and Databricks keep them for each table, so they differ between two tables that were made
 * by the same statements. Protocol versions and features are not among them: they decide which clients can read and write a table.
 */
const kept: readonly RegExp[] = [
  // Counters and times of the newest commit.
  /^delta\.lastUpdateVersion$/i,
  /^delta\.lastCommitTimestamp$/i,
  /^transient_lastDdlTime$/i,
  /^spark\.sql\.statistics\./i,
  /^(numFiles|numRows|rawDataSize|totalSize)$/i,
  // Names of columns and numbers that are made up for each table.
  /^delta\.columnMapping\.maxColumnId$/i,
  /^delta\.rowTracking\.materializedRow(Id|CommitVersion)ColumnName$/i,
  /^delta\.inCommitTimestampEnablement(Version|Timestamp)$/i,
  /^(ucTableId|io\.unitycatalog\.tableId)$/i,
  // What other facets are made of.
  /^delta\.constraints\./i,
  /^clusteringColumns$/i,
  // How the session was set in which a view was made.
  /^view\./i,
  /^spark\.sql\.(create\.version|sources\.)/i,
];

export function isKeptByTheWarehouse(property: string): boolean {
  return kept.some((pattern) => pattern.test(property));
}
