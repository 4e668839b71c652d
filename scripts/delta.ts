import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { findSpark, installSpark } from "./spark.ts";

/**
 * Real Spark with real Delta, the referee of `npm run test:delta`. `node scripts/delta.ts` installs pyspark from Python's registry
 * and Delta's jars from Maven's; Java must be installed already. Exit status 77: it is not available here.
 */

/** Delta is built for one version of Spark. */
const spark = "4.2.0";
const delta = "io.delta:delta-spark_4.2_2.13:4.4.0";
const script = "scripts/delta.ts";
const folder = join(import.meta.dirname, "..", ".cache", "delta");
const jars = join(folder, delta.replaceAll(":", "-"));
const downloadDeadlineMs = 600_000;
/** pyspark has them already. */
const excluded = [
  "com.fasterxml.jackson.core:jackson-annotations",
  "com.fasterxml.jackson.core:jackson-core",
  "com.fasterxml.jackson.core:jackson-databind",
  "com.github.luben:zstd-jni",
  "org.apache.hadoop:hadoop-client-api",
  "org.apache.hadoop:hadoop-client-runtime",
  "org.apache.parquet:parquet-hadoop",
];

export type FoundDelta = { python: string; jars: string } | { missing: string };

export function findDelta(): FoundDelta {
  const found = findSpark(spark, script);
  if (!("python" in found)) return found;
  if (!existsSync(jars)) return { missing: `Delta's jars are not here: node ${script} fetches them` };
  return { ...found, jars };
}

/** Spark itself resolves and downloads them, into a temporary folder that is then moved. */
function install(): FoundDelta {
  const found = installSpark(spark);
  if (!("python" in found) || existsSync(jars)) return findDelta();
  mkdirSync(folder, { recursive: true });
  const workshop = mkdtempSync(join(folder, "install-"));
  try {
    const settings = { packages: delta, ivy: workshop, excludes: excluded.join(",") };
    const lines = [
      "from pyspark.sql import SparkSession",
      'builder = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false")',
      ...Object.entries(settings).map(
        ([name, value]) => `builder = builder.config("spark.jars.${name}", ${JSON.stringify(value)})`,
      ),
      "builder.getOrCreate().stop()",
    ];
    const options = { encoding: "utf8", timeout: downloadDeadlineMs } as const;
    const { status, stderr } = spawnSync(found.python, ["-c", lines.join("\n")], options);
    if (status !== 0) {
      const why = stderr.split("\n").find((line) => /unresolved dependency|Exception/.test(line));
      return { missing: `${delta} could not be fetched: ${why?.trim() ?? "Spark did not say why"}` };
    }
    renameSync(join(workshop, "jars"), jars);
    return findDelta();
  } finally {
    rmSync(workshop, { recursive: true, force: true });
  }
}

function main(): void {
  const found = install();
  console.log("python" in found ? `${delta}: ${found.jars}` : found.missing);
  if (!("python" in found)) process.exitCode = 77;
}

if (import.meta.main) main();
