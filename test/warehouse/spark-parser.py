"""Reads statements, a JSON text a line, and writes for each what Spark's parser makes of it: its plan, or nothing where it is none."""

import json
import logging
import sys

from pyspark.sql import SparkSession

# Of each statement that is none, it would write a page.
logging.disable(logging.CRITICAL)
spark = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false").getOrCreate()
spark.sparkContext.setLogLevel("OFF")
parser = spark._jsparkSession.sessionState().sqlParser()
for line in sys.stdin:
    try:
        plan = parser.parsePlan(json.loads(line))
        meaning = {"plan": plan.toString(), "kind": plan.getClass().getName().rsplit(".", 1)[-1]}
    except Exception:
        meaning = {}
    sys.stdout.write(json.dumps(meaning) + "\n")
