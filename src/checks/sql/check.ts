import type { Environment } from "../../config/schema.ts";
import { count } from "../../lib/count.ts";
import type { WarehouseReader } from "../../warehouse/access.ts";
import { opened } from "../databricks/check.ts";
import type { CheckContext } from "../kind.ts";
import { type MeasuredCheck, numberedIds, type RunCheck, type RunningCheck, type Shared } from "../run-check.ts";

type Sample = Environment["sql"][number];

export function run({ check, warehouse }: CheckContext, samples: readonly Sample[]): RunningCheck[] {
  if (!warehouse) return [];
  const ids = sqlIds(samples);
  return samples.map((sample, index) => checkSqlSample(check, warehouse.open, sample, ids[index]));
}

const sqlId = (name: string) => `sql.${name}`;

/** One id per statement; names are for people, and several statements may share one. */
export function sqlIds(samples: readonly { name: string }[]): string[] {
  return numberedIds(samples.map(({ name }) => sqlId(name)));
}

/** Checks statements that must return rows. */
export function checkSqlSample(
  check: RunCheck,
  opening: Shared<WarehouseReader>,
  sample: Sample,
  id = sqlId(sample.name),
): Promise<MeasuredCheck> {
  return check(id, `SQL: ${sample.name}`, async (attempt) => {
    const rows = await (await opened(opening, attempt)).query(sample.query);
    const enough = rows.length >= sample.minimumRows;
    return {
      verdict: enough ? "passed" : "failed",
      observed: count(rows.length, "row"),
      expected: `at least ${sample.minimumRows}`,
      ...(enough ? {} : { message: `The statement of ${sample.name} returned fewer rows than expected.` }),
    };
  });
}
