import type { Table } from "../config/schema.ts";
import type { WarehouseReader } from "../warehouse/access.ts";
import { type KnownIds, type Look, type LookRequest, lookAt, lookFurther, questionOf, rowTaker, widthOf } from "./look.ts";
import type { RowPlan } from "./row-plan.ts";
import { askTogether } from "./together.ts";

const none: ReadonlySet<string> = new Set();

/** A plan that is refused still says how many rows it would have; above this it only says that they are more. */
const fewestFetched = 20_000;

/**
 * Finds what is test data in all tables. Every table is asked at once, by what shows by itself; then those that hang on what was
 * found are asked again, until nothing new turns up: as many rounds as rows are deep, however many tables there are.
 * @param verified ids that an earlier look found: what hangs on them is asked for in the first round.
 * @returns the last look at each table that could be read.
 */
export async function search(
  warehouse: WarehouseReader,
  looking: LookRequest,
  plan: RowPlan,
  verified: KnownIds,
): Promise<Map<string, Look>> {
  const { declared, request } = looking;
  const ids = new Map<string, ReadonlySet<string>>(verified);
  const looks = new Map<string, Look>();
  const seen = new Map<string, readonly ReadonlySet<string>[]>();
  const most = Math.max(request.maxRows, fewestFetched);
  let asking = Object.keys(declared);
  while (asking.length > 0) {
    const round = asking.map((name) => {
      const [before, own] = [looks.get(name), verified.get(name) ?? none];
      return before ? lookFurther(before, ids, own, looking) : lookAt(name, ids, own, looking);
    });
    for (const { name } of round) seen.set(name, parentIds(declared, name, ids));
    const width = Math.max(...round.map(widthOf));
    const takers = new Map(round.map((look) => [look, rowTaker(look, request)]));
    const answers = await askTogether(warehouse, round, (look, binder) => questionOf(warehouse, look, width, most + 1, binder));
    for (const { item: look, row } of answers.rows) takers.get(look)?.(row);
    const unreadable = new Map(answers.failed.map(({ item, why }) => [item.name, why]));
    for (const look of round) {
      const why = unreadable.get(look.name);
      if (why !== undefined) {
        looks.delete(look.name);
        plan.unreadable.push({ table: look.name, why });
      } else {
        looks.set(look.name, look);
        remember(ids, look, verified.get(look.name) ?? none);
      }
    }
    const tooMany = round.filter((look) => look.found.rows > most);
    for (const { name } of tooMany) {
      plan.blockers.push(`${name} alone has more than ${most} rows of test data; testData.maxRows is ${request.maxRows}`);
      plan.unreadable.push({ table: name, why: `it has more than ${most} rows of test data` });
    }
    if (tooMany.length > 0) break;
    asking = Object.keys(declared).filter((name) => looks.has(name) && isBehind(seen.get(name), parentIds(declared, name, ids)));
  }
  plan.ids = new Map([...ids].map(([name, known]) => [name, new Set(known)]));
  return looks;
}

/** Which ids of a table others may hang on. Replaced only where they are others, so that sameness tells whether to look again. */
function remember(ids: Map<string, ReadonlySet<string>>, look: Look, verified: ReadonlySet<string>): void {
  const now = new Set([...verified, ...look.claimed, ...look.keys].filter((id) => !look.refused.has(id)));
  const before = ids.get(look.name) ?? none;
  if (now.size !== before.size || [...now].some((id) => !before.has(id))) ids.set(look.name, now);
}

function parentIds(declared: Readonly<Record<string, Table>>, name: string, ids: KnownIds): ReadonlySet<string>[] {
  return Object.values(declared[name]?.parents ?? {}).map((parent) => ids.get(parent) ?? none);
}

function isBehind(seen: readonly ReadonlySet<string>[] | undefined, now: readonly ReadonlySet<string>[]): boolean {
  return seen === undefined || now.some((ids, index) => ids !== seen[index]);
}
