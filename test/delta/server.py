"""Runs statements on Spark with Delta. Each line of input is a request in JSON, each line of output the answer to one of them."""

import datetime
import decimal
import glob
import json
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor

from pyspark.errors import PySparkException
from pyspark.sql import Row, SparkSession

jars, warehouse = sys.argv[1], sys.argv[2]

settings = {
    "spark.jars": ",".join(glob.glob(os.path.join(jars, "*.jar"))),
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
    "spark.sql.warehouse.dir": warehouse,
    "spark.sql.session.timeZone": "UTC",
    # Parameters are bound inside queries too, as on Databricks.
    "spark.sql.legacy.parameterSubstitution.constantsOnly": "true",
    "spark.databricks.delta.retentionDurationCheck.enabled": "false",
    "spark.driver.memory": "3g",
    # Short statements: the second compiler would take more time than it saves.
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=768m -XX:+UseParallelGC",
    "spark.default.parallelism": "1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    # The tables are tiny: planning and compiling would take most of the time.
    "spark.sql.shuffle.partitions": "1",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.sql.adaptive.enabled": "false",
    "spark.databricks.delta.snapshotPartitions": "1",
    "spark.sql.sources.parallelPartitionDiscovery.parallelism": "1",
    "spark.sql.maxPlanStringLength": "1000000",
    **json.loads(os.environ.get("SPARK_SETTINGS", "{}")),
}


def start():
    builder = SparkSession.builder.master("local[2]")
    for name, value in settings.items():
        builder = builder.config(name, value)
    spark = builder.getOrCreate()
    spark.sparkContext.setLogLevel("OFF")
    return spark


def plain(value):
    if isinstance(value, (datetime.datetime, datetime.date)):
        return value.isoformat()
    if isinstance(value, decimal.Decimal):
        return str(value)
    if isinstance(value, (bytes, bytearray)):
        return "0x" + bytes(value).hex()
    if isinstance(value, Row):
        return {name: plain(field) for name, field in value.asDict().items()}
    if isinstance(value, dict):
        return {str(name): plain(field) for name, field in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if value is None or isinstance(value, (str, int, float, bool)):
        return value
    return str(value)


def failure(error):
    said = {"message": str(error).split("\n\nJVM")[0][:4000], "condition": None, "sqlState": None, "java": None}
    cause = getattr(error, "_origin", None) or getattr(error, "java_exception", None)
    # The outermost exception of Java's chain that has a state is the one that a warehouse reports.
    causes = []
    while cause is not None:
        said["java"] = said["java"] or cause.getClass().getName()
        causes.append(cause.toString())
        try:
            state = cause.getSqlState()
        except Exception:
            state = None
        if state is not None:
            said.update(sqlState=state, condition=cause.getCondition(), message=cause.getMessage()[:4000])
            return said
        cause = cause.getCause()
    for key, ask in (("condition", "getCondition"), ("sqlState", "getSqlState")):
        try:
            said[key] = getattr(error, ask)()
        except Exception:
            pass
    if causes and said["sqlState"] is None:
        said["message"] = " / ".join(causes)[:4000]
    return said


def files_read(frame):
    """Counts the files that the scans of a query have read."""
    read = []

    def walk(plan):
        name = plan.getClass().getSimpleName()
        if "AdaptiveSparkPlan" in name:
            return walk(plan.executedPlan())
        if "QueryStage" in name:
            return walk(plan.plan())
        if "FileSourceScan" in name:
            metric = plan.metrics().get("numFiles")
            if metric.isDefined():
                read.append(metric.get().value())
        for children in (plan.subqueries(), plan.children()):
            iterator = children.iterator()
            while iterator.hasNext():
                walk(iterator.next())

    walk(frame._jdf.queryExecution().executedPlan())
    return read


def answer(spark, request):
    if request["op"] == "load":
        frame = spark.read.schema(request["schema"]).json(request["path"])
        frame.coalesce(1).write.format("delta").mode("append").saveAsTable(request["table"])
        return {}
    frame = spark.sql(request["sql"], args=request.get("args") or {})
    rows = frame.collect()
    return {
        "columns": [[field.name, field.dataType.simpleString()] for field in frame.schema.fields],
        "rows": [[plain(value) for value in row] for row in rows],
        **({"files": files_read(frame)} if request.get("files") else {}),
    }


def main():
    spark = start()
    print(json.dumps({"id": 0, "version": spark.version}), flush=True)


    def run(line):
        started = time.time()
        request = json.loads(line)
        try:
            said = answer(spark, request)
        except Exception as error:
            said = {"error": failure(error)}
        took = round((time.time() - started) * 1000)
        # One write for each line, because answers come from several threads.
        sys.stdout.write(json.dumps({"id": request["id"], **said, "ms": took}) + "\n")
        sys.stdout.flush()

    with ThreadPoolExecutor(4) as pool:
        for line in sys.stdin:
            pool.submit(run, line)


main()
