import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { findSpark } from "../../scripts/spark.ts";
import { isScalar, isTableFunction, whyNotReading } from "../../src/warehouse/statements.ts";
import { disguisedWrites } from "./disguised-writes.ts";

// The allow-list of read-only environments reads tokens, but Spark's own parser decides what a statement means. Whatever is
// allowed here must mean the same to Spark: a read that only calls functions known to only compute.

interface Meaning {
  /** Absent if Spark doesn't accept it as a statement. */
  plan?: string;
  kind?: string;
}

const spark = findSpark();

/** What each means to Spark. */
async function meaningsOf(statements: readonly string[]): Promise<Meaning[]> {
  if (!("python" in spark)) throw new Error(spark.missing);
  const parser = spawn(spark.python, [join(import.meta.dirname, "spark-parser.py")], { stdio: ["pipe", "pipe", "pipe"] });
  const ended = once(parser, "exit");
  let said = "";
  parser.stderr.on("data", (piece: Buffer) => {
    said = `${said}${piece.toString()}`.slice(-2_000);
  });
  parser.stdin.end(statements.map((statement) => `${JSON.stringify(statement)}\n`).join(""));
  const meanings: Meaning[] = [];
  for await (const line of createInterface({ input: parser.stdout })) meanings.push(JSON.parse(line) as Meaning);
  expect((await ended)[0], said).toBe(0);
  expect(meanings).toHaveLength(statements.length);
  return meanings;
}

/** Operators that Spark turned into functions. */
const operators = new Set(["between"]);

/** Functions in a plan that our list doesn't have, one of each kind. */
function strangersIn(plan: string): string[] {
  const scalars = [...plan.matchAll(/'([\w.`]+)\(/g)].map(([, name = ""]) => name);
  const tables = [...plan.matchAll(/TableValuedFunction \[([^\]]*)\]/g)].map(([, name = ""]) => name);
  return [
    ...scalars.filter((name) => !isScalar(name) && !operators.has(name)),
    ...tables.filter((name) => !isTableFunction(name)).map((name) => `table ${name}`),
  ];
}

/** Plans that only read or show. Everything else in Spark is a command that does something. */
const reading =
  /^(?:Project|Filter|Sort|Aggregate|Distinct|Deduplicate|Union|Except|Intersect|GlobalLimit|LocalLimit|Limit\w*|Offset|Join|Sample|With\w*|UnresolvedWith|UnresolvedRelation|UnresolvedTableValuedFunction|UnresolvedInlineTable|UnresolvedHaving|UnresolvedQualify|UnresolvedSubqueryColumnAliases|SubqueryAlias|LateralJoin|Generate|Pivot|Unpivot|RepartitionByExpression|Window|WithWindowDefinition|Show\w+|Describe\w*|Explain\w*|RelationTimeTravel|OneRowRelation|LocalRelation|CTE\w*|Repartition\w*|View|Lateral\w*)$/;

// Words that are functions in one position and grammar in another, where an operand, a table, or the next clause may follow.
const words =
  `select values distinct all case from where table lateral between like ilike rlike rollup cube join in exists not and or when then else
  end is as over filter within with union except minus intersect using range count explode group by on limit offset evil first last any
  some every if struct array map trim extract overlay position cast try_cast date timestamp interval window pivot unpivot tablesample
  qualify having order sort cluster distribute partition rows current_date user left right full outer cross natural semi anti identifier
  execute immediate set use describe show explain nulls ignore respect grouping sets repeatable version for of to escape stream div`
    .trim()
    .split(/\s+/);
const places = [
  ...[
    "SELECT {}",
    "SELECT 1 + {}",
    "SELECT 1, {}",
    "SELECT count({})",
    "SELECT struct({})",
    "SELECT first({})",
    "SELECT cast({})",
  ],
  ...["SELECT array(1, {})", "SELECT if({}, 1, 2)", "SELECT substring({})", "SELECT * FROM {}", "SELECT * FROM ({})"],
  ...[
    "SELECT * FROM (({}))",
    "SELECT * FROM t, {}",
    "SELECT * FROM t, ({})",
    "SELECT * FROM t JOIN {}",
    "SELECT * FROM t JOIN ({})",
  ],
  ...["SELECT 1 IN ({})", "SELECT 1 IN (2, {})", "SELECT 1 WHERE EXISTS ({})", "SELECT 1 + exists({})", "SELECT (1, {})"],
  ...[
    "SELECT ({}, 1)",
    "SELECT ({})",
    "SELECT 1 + ({})",
    "SELECT a = ({})",
    "VALUES {}",
    "VALUES (1), {}",
    "SELECT * FROM VALUES {}",
  ],
  ...[
    "SELECT * FROM VALUES (1), {}",
    "SELECT * FROM VALUES (1) AS v, {}",
    "SELECT a FROM t GROUP BY {}",
    "SELECT a FROM t GROUP BY a, {}",
  ],
  ...[
    "SELECT a FROM t ORDER BY {}",
    "SELECT a LIKE {}",
    "SELECT a NOT {}",
    "SELECT NOT {}",
    "SELECT CASE {}",
    "SELECT CASE WHEN {} THEN 1 END",
  ],
  ...[
    "SELECT CASE WHEN 1 THEN {} END",
    "SELECT CASE a WHEN {} THEN 1 END",
    "SELECT * FROM t LATERAL VIEW {} AS y",
    "SELECT * FROM t, LATERAL {}",
  ],
  ...[
    "SELECT 1 UNION {}",
    "SELECT 1 UNION ALL ({})",
    "WITH x AS ({}) SELECT 1",
    "WITH x AS (SELECT 1), {}",
    "WITH x AS (SELECT 1) {}",
  ],
  ...[
    "SELECT 1 AS {}",
    "SELECT a {}",
    "SELECT (a) {}",
    "SELECT * FROM t {}",
    "SELECT * FROM (SELECT 1) {}",
    "SELECT * FROM t WHERE {}",
  ],
  ...["SELECT * FROM t WHERE a {}", "SELECT a IS DISTINCT {}", "SELECT DISTINCT {}", "SELECT ALL {}", "SELECT count(*) {}"],
  ...[
    "SELECT count(*) FILTER ({})",
    "SELECT sum(a) OVER ({})",
    "SELECT sum(a) OVER (PARTITION BY {})",
    "SELECT * FROM t PIVOT ({} FOR b IN (1))",
  ],
  ...[
    "SELECT * FROM t TABLESAMPLE ({})",
    "SELECT * FROM t VERSION AS OF {}",
    "SELECT a FROM t LIMIT {}",
    "SELECT a FROM t HAVING {}",
  ],
  ...[
    "SELECT a BETWEEN {} AND 2",
    "SELECT a LIKE 'x' ESCAPE {}",
    "SELECT a:{}",
    "SELECT a::{}",
    "SELECT a[{}]",
    "SELECT trim(BOTH {} FROM a)",
  ],
  ...["SELECT extract(DAY FROM {})", "SELECT position({} IN a)", "SELECT transform(a, x -> {})", "SELECT * FROM t JOIN u ON {}"],
  ...[
    "SELECT * FROM t JOIN u USING {}",
    "TABLE {}",
    "EXPLAIN {}",
    "EXPLAIN SELECT {}",
    "DESCRIBE {}",
    "SHOW {}",
    "SHOW TABLES {}",
  ],
  ...["SELECT * FROM range({})", "SELECT * FROM explode({})", "SELECT * FROM TABLE({})", "{}", "{}; SELECT 1"],
];
const brackets = [
  "('x')",
  "(a)",
  "()",
  "(a, b)",
  "(x => 1)",
  "(SELECT 1)",
  "(distinct a)",
  "(TABLE t)",
  "(*)",
  "(1), (2)",
  "((1))",
  "(select)",
  "",
];
const followers =
  `|FROM t|from, 1|from|AS y|y|JOIN u|WHEN 1 THEN 2 END|when(a) then 1 end|AS (SELECT 1) SELECT 1|OVER ()|FILTER (WHERE true)|IGNORE NULLS
  || 'y'|.y|[0]|IS NULL|BETWEEN 1 AND 2|, 1|from (a, b)|from JOIN u|from JOIN u ON a = b|AS y JOIN u|y, z FROM t|AND b|IN (1)|LIKE 'x'
  |AS (a, b)|ON a = b|+ 1|-> 1|::int|DESC|AS int|WITHIN GROUP (ORDER BY a)|FROM t, 1|UNION SELECT 1|then 1 end|END|AS v(a, b)|v(a, b)
  |) FROM t|THEN 1 END|INTO t|/* x */|-- x`
    .split("|")
    .map((follower) => follower.trim());

const statement = fc
  .tuple(
    fc.constantFrom(...places),
    fc.constantFrom(...words),
    fc.constantFrom(...brackets),
    fc.array(fc.constantFrom(...followers), { maxLength: 2 }),
  )
  .map(([place, word, bracket, behind]) => `${place.replace("{}", () => [`${word}${bracket}`, ...behind].join(" ").trim())}`);

describe.skipIf("missing" in spark)("Spark reads allowed statements as we do", () => {
  test("60,000 statements near the edge of the grammar", async () => {
    const through = new Set(fc.sample(statement, 60_000).filter((one) => whyNotReading(one) === undefined));
    const statements = [...through];
    const meanings = await meaningsOf(statements);
    const understood = meanings.flatMap(({ plan, kind }, index) =>
      plan === undefined || kind === undefined ? [] : [{ statement: statements[index] ?? "", plan, kind }],
    );
    console.log(`${statements.length} let through, of which Spark understands ${understood.length}`);
    // Fewer would prove little.
    expect(understood.length).toBeGreaterThan(500);
    const wrong = understood.flatMap(({ statement, plan, kind }) => [
      ...strangersIn(plan).map((stranger) => `${statement} calls ${stranger}`),
      ...(reading.test(kind) ? [] : [`${statement} is ${kind}`]),
    ]);
    expect(wrong).toEqual([]);
  });

  test("and the comparison would find other cases", async () => {
    const statements = ["SELECT evil('x')", "SELECT * FROM evil(1)", "INSERT INTO t VALUES (1)", "DROP TABLE t", "SET a = b"];
    const meanings = await meaningsOf(statements);
    expect(strangersIn(meanings[0]?.plan ?? "")).toEqual(["evil"]);
    expect(strangersIn(meanings[1]?.plan ?? "")).toEqual(["table evil"]);
    for (const { kind } of meanings.slice(2)) expect(kind).not.toMatch(reading);
    // Most are valid in Spark too; where it understands one, it agrees with us.
    const writes = await meaningsOf(disguisedWrites);
    expect(writes.filter(({ plan }) => plan !== undefined).length).toBeGreaterThan(disguisedWrites.length / 4);
  });
});

test.runIf("missing" in spark)("Spark's parser is not installed", (context) => {
  context.skip("missing" in spark ? spark.missing : "");
});
