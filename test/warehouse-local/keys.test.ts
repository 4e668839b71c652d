import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { ownWarehouse, type TestClient } from "./client.ts";

// Statements, views and errors as Databricks documents them; the members of AS JSON as seen in answers of Databricks.
const own = ownWarehouse();
let client: TestClient;
let count = 0;
let schema = "";

beforeAll(() => {
  ({ client } = own);
});

beforeEach(async () => {
  schema = `s${count++}`;
  await client.rows(`CREATE SCHEMA ${schema}`);
  await client.rows(`USE SCHEMA ${schema}`);
});

const usage = (table: string) =>
  client.rows(
    `SELECT constraint_name, column_name, ordinal_position, position_in_unique_constraint FROM information_schema.key_column_usage
     WHERE table_schema = '${schema}' AND table_name = '${table}' ORDER BY constraint_name, ordinal_position`,
  );
const constraints = async (): Promise<unknown[]> =>
  (
    await client.rows(
      `SELECT table_name, constraint_name, constraint_type FROM information_schema.table_constraints
       WHERE constraint_schema = '${schema}' ORDER BY table_name, constraint_name`,
    )
  ).map((row) => Object.values(row));
const asJson = async (table: string) =>
  JSON.parse(String((await client.rows(`DESCRIBE TABLE EXTENDED ${table} AS JSON`))[0]?.json_metadata));
const shown = async (table: string): Promise<string> =>
  String((await client.rows(`SHOW CREATE TABLE ${table}`))[0]?.createtab_stmt);

describe("keys", () => {
  it("stand in CREATE TABLE, in line and out of line, and in information_schema", async () => {
    await client.rows("CREATE TABLE schools (id STRING CONSTRAINT schools_key PRIMARY KEY RELY, city STRING)");
    await client.rows(
      `CREATE TABLE rooms (school STRING REFERENCES schools, number INT, PRIMARY KEY (number, school) NOT ENFORCED NORELY,
       CONSTRAINT small CHECK (number < 100))`,
    );
    await client.rows(
      `CREATE TABLE seats (id INT, s STRING, n INT, CONSTRAINT of_room FOREIGN KEY (s, n) REFERENCES rooms (school, number))`,
    );
    expect(await constraints()).toEqual([
      ["rooms", "rooms_pk", "PRIMARY KEY"],
      ["rooms", "rooms_schools_fk", "FOREIGN KEY"],
      ["rooms", "small", "CHECK"],
      ["schools", "schools_key", "PRIMARY KEY"],
      ["seats", "of_room", "FOREIGN KEY"],
    ]);
    expect(await usage("schools")).toEqual([
      { constraint_name: "schools_key", column_name: "id", ordinal_position: 1, position_in_unique_constraint: null },
    ]);
    expect(await usage("seats")).toEqual([
      { constraint_name: "of_room", column_name: "s", ordinal_position: 1, position_in_unique_constraint: 2 },
      { constraint_name: "of_room", column_name: "n", ordinal_position: 2, position_in_unique_constraint: 1 },
    ]);
    expect(
      await client.rows(
        `SELECT * FROM information_schema.referential_constraints WHERE constraint_schema = '${schema}' AND constraint_name = 'of_room'`,
      ),
    ).toEqual([
      {
        constraint_catalog: "classwaves",
        constraint_schema: schema,
        constraint_name: "of_room",
        unique_constraint_catalog: "classwaves",
        unique_constraint_schema: schema,
        unique_constraint_name: "rooms_pk",
        match_option: "FULL",
        update_rule: "NO ACTION",
        delete_rule: "NO ACTION",
      },
    ]);
    expect(
      await client.rows(
        `SELECT table_name, column_name FROM information_schema.constraint_column_usage
         WHERE constraint_schema = '${schema}' AND constraint_name = 'of_room' ORDER BY column_name`,
      ),
    ).toEqual([
      { table_name: "rooms", column_name: "number" },
      { table_name: "rooms", column_name: "school" },
    ]);
    expect(await client.rows(`SELECT * FROM information_schema.check_constraints WHERE constraint_schema = '${schema}'`)).toEqual(
      [
        {
          constraint_catalog: "classwaves",
          constraint_schema: schema,
          constraint_name: "small",
          check_clause: "number < 100",
          sql_path: null,
        },
      ],
    );
  });

  it("make the columns of a new primary key NOT NULL, and are not enforced", async () => {
    await client.rows("CREATE TABLE t (id INT PRIMARY KEY, other INT REFERENCES t)");
    expect(await client.failure("INSERT INTO t VALUES (NULL, 1)")).toMatchObject({ sqlState: "23502" });
    await client.rows("INSERT INTO t VALUES (1, 7), (1, 8)");
    expect(await client.rows("SELECT count(*) AS n FROM t")).toEqual([{ n: 2n }]);
  });

  it("are added and dropped by ALTER TABLE, without a version", async () => {
    await client.rows("CREATE TABLE parents (id INT, a INT NOT NULL)");
    await client.rows("CREATE TABLE children (id INT, parent INT)");
    expect(await client.failure("ALTER TABLE parents ADD CONSTRAINT pk PRIMARY KEY (id)")).toMatchObject({
      message: expect.stringContaining("because its child column(s) `id` is nullable"),
    });
    await client.rows("ALTER TABLE parents ALTER COLUMN id SET NOT NULL");
    expect(await client.failure("ALTER TABLE children ADD FOREIGN KEY (parent) REFERENCES parents")).toMatchObject({
      sqlState: "42830",
    });
    await client.rows("ALTER TABLE parents ADD CONSTRAINT pk PRIMARY KEY (id)");
    expect(await client.failure("ALTER TABLE parents ADD PRIMARY KEY (a)")).toMatchObject({ sqlState: "42710" });
    await client.rows(`ALTER TABLE children ADD CONSTRAINT fk FOREIGN KEY (parent) REFERENCES ${schema}.parents(id) RELY`);
    expect(await client.failure("ALTER TABLE children ADD CONSTRAINT x FOREIGN KEY (nothing) REFERENCES parents")).toMatchObject({
      sqlState: "42703",
    });
    expect((await asJson("children")).table_constraints).toBe(
      `[(fk,FOREIGN KEY (\`parent\`) REFERENCES \`classwaves\`.\`${schema}\`.\`parents\` (\`id\`) RELY)]`,
    );
    expect(await client.failure("ALTER TABLE parents DROP PRIMARY KEY")).toMatchObject({
      message: expect.stringContaining("CASCADE"),
    });
    await client.rows("ALTER TABLE parents DROP PRIMARY KEY CASCADE");
    expect(await constraints()).toEqual([]);
    expect(await client.failure("ALTER TABLE parents DROP PRIMARY KEY")).toMatchObject({ sqlState: "42704" });
    await client.rows("ALTER TABLE parents DROP PRIMARY KEY IF EXISTS");
    await client.rows("ALTER TABLE parents ADD CONSTRAINT pk PRIMARY KEY (id)");
    await client.rows("ALTER TABLE children ADD CONSTRAINT fk FOREIGN KEY (parent) REFERENCES parents");
    await client.rows("ALTER TABLE children DROP FOREIGN KEY (parent)");
    await client.rows("ALTER TABLE parents DROP CONSTRAINT pk");
    expect(await constraints()).toEqual([]);
    expect(await client.rows("DESCRIBE HISTORY children")).toHaveLength(1);
  });

  it("keep their columns from being dropped, follow a rename, and end with the parent", async () => {
    const named = "TBLPROPERTIES ('delta.columnMapping.mode' = 'name')";
    await client.rows(`CREATE TABLE p (id INT PRIMARY KEY, x INT) ${named}`);
    await client.rows(`CREATE TABLE c (id INT, p INT CONSTRAINT fk REFERENCES p) ${named}`);
    expect(await client.failure("ALTER TABLE p DROP COLUMN id")).toMatchObject({ message: expect.stringContaining("`p_pk`") });
    expect(await client.failure("ALTER TABLE c DROP COLUMN p")).toMatchObject({ message: expect.stringContaining("`fk`") });
    await client.rows(`ALTER TABLE p RENAME TO ${schema}.q`);
    expect((await asJson("c")).table_constraints).toContain("`q` (`id`)");
    await client.rows("DROP TABLE q");
    expect(await constraints()).toEqual([]);
    await client.rows("ALTER TABLE c DROP COLUMN p");
  });

  it("are shown as far as the tables are", async () => {
    await client.rows("CREATE TABLE t (id INT PRIMARY KEY)");
    await client.rows("CREATE OR REPLACE TABLE t (id INT PRIMARY KEY, x INT)");
    expect(await constraints()).toEqual([["t", "t_pk", "PRIMARY KEY"]]);
    expect(await client.rows("DESCRIBE TABLE EXTENDED t")).toContainEqual({
      col_name: "t_pk",
      data_type: "PRIMARY KEY (`id`)",
      comment: "",
    });
  });
});

describe("CLUSTER BY and PARTITIONED BY", () => {
  it("are kept, shown and changed", async () => {
    await client.rows("CREATE TABLE c (a INT, B STRING, d DATE) CLUSTER BY (b, a)");
    await client.rows("CREATE TABLE p (a INT, d DATE) PARTITIONED BY (d)");
    expect((await client.rows("DESCRIBE DETAIL c"))[0]).toMatchObject({ clusteringColumns: ["B", "a"], partitionColumns: [] });
    expect((await client.rows("DESCRIBE DETAIL p"))[0]).toMatchObject({ clusteringColumns: [], partitionColumns: ["d"] });
    expect(await asJson("c")).toMatchObject({ clustering_columns: ["B", "a"] });
    expect(await asJson("p")).toMatchObject({ partition_columns: ["d"] });
    expect(
      await client.rows(
        `SELECT column_name, partition_index FROM information_schema.columns WHERE table_schema = '${schema}' AND table_name = 'p' ORDER BY 1`,
      ),
    ).toEqual([
      { column_name: "a", partition_index: null },
      { column_name: "d", partition_index: 1 },
    ]);
    await client.rows("ALTER TABLE c CLUSTER BY (d)");
    expect((await client.rows("DESCRIBE DETAIL c"))[0]).toMatchObject({ clusteringColumns: ["d"] });
    expect((await client.rows("DESCRIBE HISTORY c LIMIT 1"))[0]).toMatchObject({ operation: "CLUSTER BY" });
    await client.rows(`CREATE TABLE copy SHALLOW CLONE c`);
    await client.rows("ALTER TABLE c CLUSTER BY NONE");
    expect(await asJson("c")).not.toHaveProperty("clustering_columns");
    expect(await asJson("copy")).toMatchObject({ clustering_columns: ["d"] });
  });

  it("are refused for unknown columns, together, and for more than Delta takes", async () => {
    const columns = "(a INT, b INT, c INT, d INT, e INT)";
    expect(await client.failure(`CREATE TABLE t ${columns} CLUSTER BY (z)`)).toMatchObject({ sqlState: "42703" });
    expect(await client.failure(`CREATE TABLE t ${columns} CLUSTER BY (a, b, c, d, e)`)).toMatchObject({ sqlState: "54000" });
    expect(await client.failure(`CREATE TABLE t ${columns} CLUSTER BY (a) PARTITIONED BY (b)`)).toMatchObject({
      sqlState: "42908",
    });
    expect(await client.failure("CREATE TABLE t (a INT) PARTITIONED BY (a)")).toMatchObject({ sqlState: "KD005" });
    await client.rows(`CREATE TABLE p ${columns} PARTITIONED BY (b)`);
    expect(await client.failure("ALTER TABLE p CLUSTER BY (a)")).toMatchObject({ sqlState: "42908" });
    const mapped = "TBLPROPERTIES ('delta.columnMapping.mode' = 'name')";
    await client.rows(`CREATE TABLE m ${columns} CLUSTER BY (a) ${mapped}`);
    expect(await client.failure("ALTER TABLE m DROP COLUMN a")).toMatchObject({
      message: expect.stringContaining("[DELTA_UNSUPPORTED_DROP_CLUSTERING_COLUMN]"),
    });
    await client.rows("ALTER TABLE m RENAME COLUMN a TO z");
    expect((await client.rows("DESCRIBE DETAIL m"))[0]).toMatchObject({ clusteringColumns: ["z"] });
  });
});

describe("SHOW CREATE TABLE", () => {
  it("makes the same table again", async () => {
    await client.rows("CREATE TABLE parents (id BIGINT PRIMARY KEY)");
    const properties = "TBLPROPERTIES ('delta.feature.allowColumnDefaults' = 'supported', 'owner.name' = 'it\\'s')";
    await client.rows(
      `CREATE TABLE t (id BIGINT GENERATED ALWAYS AS IDENTITY (START WITH 5 INCREMENT BY 2), \`a b\` STRING NOT NULL DEFAULT 'x' COMMENT 'it\\'s',
       n INT, twice INT GENERATED ALWAYS AS (n * 2), s STRUCT<a: INT, \`B c\`: ARRAY<STRING>>, m MAP<STRING, DECIMAL(5, 2)>,
       CONSTRAINT fk FOREIGN KEY (id) REFERENCES parents, CONSTRAINT low CHECK (n < 10)) CLUSTER BY (n) COMMENT 'of a test' ${properties}`,
    );
    const statement = await shown("t");
    expect(statement).toContain("id BIGINT GENERATED ALWAYS AS IDENTITY (START WITH 5 INCREMENT BY 2)");
    expect(statement).toContain("twice INT GENERATED ALWAYS AS (n * 2)");
    expect(statement).toContain("s STRUCT<a: INT, `B c`: ARRAY<STRING>>");
    const described = await asJson("t");
    await client.rows("INSERT INTO t (`a b`, n) VALUES ('y', 1)");
    await client.rows("DROP TABLE t");
    await client.rows(statement);
    expect(await shown("t")).toBe(statement);
    const again = await asJson("t");
    expect({ ...again, created_time: "" }).toEqual({ ...described, created_time: "" });
    await client.rows("INSERT INTO t (`a b`, n) VALUES ('y', 1)");
    expect(await client.rows("SELECT id FROM t")).toEqual([{ id: 5n }]);
  });

  it("makes the same view again", async () => {
    await client.rows("CREATE VIEW v (a COMMENT 'first', b) COMMENT 'of a test' AS SELECT 1, 'it\\'s'");
    const statement = await shown("v");
    await client.rows("DROP VIEW v");
    await client.rows(statement);
    expect(await shown("v")).toBe(statement);
    expect(await client.rows("SELECT * FROM v")).toEqual([{ a: 1, b: "it's" }]);
  });
});
