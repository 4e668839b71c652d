import type { Parameters, Row } from "../../warehouse/connection.ts";
import type { Structure } from "../structure/structure.ts";
import { changeAgain } from "./again.ts";
import { sqlName, tableIn, workingSchema } from "./names.ts";
import type { Plan } from "./plan.ts";
import type { RefreshPorts, RefreshRequest } from "./request.ts";
import type { RulesContext, TableRules } from "./rules.ts";
import { everything, type Selection, selectedCondition } from "./select.ts";
import type { State } from "./state.ts";

/** What every step of one refresh works with. */
export interface Work {
  id: string;
  /** The working schema. */
  schema: string;
  request: RefreshRequest;
  rules: TableRules;
  plan: Plan;
  state: State;
  context: RulesContext;
  /** Which rows `context.rows` has. */
  selection: Selection;
  choose(selection: Selection): void;
  /** The original's versions, by table. */
  versions: Readonly<Record<string, number>>;
  /** The full name of a table in the working schema. */
  working(name: string): string;
  query(statement: string, parameters?: Parameters): Promise<Row[]>;
  /** Only for statements that may run twice. */
  change(statement: string, parameters?: Parameters): Promise<number | undefined>;
  step(text: string): void;
}

/** The alias of the original's row in the SELECT of a table. */
export const sourceAlias = "s";

export function workOf(
  ports: RefreshPorts,
  request: RefreshRequest,
  given: {
    id: string;
    original: Structure;
    plan: Plan;
    state: State;
    versions: Readonly<Record<string, number>>;
  },
): Work {
  const { id, original, plan, state, versions } = given;
  const schema = workingSchema(id);
  const working = (name: string) => sqlName(request.copy, schema, name);
  const builtNames = new Map(plan.tables.map(({ table, built }) => [table, built]));
  const from = (table: string) => {
    const pinned = `${tableIn(request.original, table)} VERSION AS OF ${versions[table]}`;
    const condition = selectedCondition(work.selection, table, "chosen_candidate", work);
    return condition === undefined ? pinned : `(SELECT chosen_candidate.* FROM ${pinned} AS chosen_candidate WHERE ${condition})`;
  };
  const rows = (table: string, alias: string) => `${from(table)} AS ${alias}`;
  const built = (table: string) => {
    const name = builtNames.get(table);
    // A table that is left out keeps the rows that the copy has.
    return name === undefined ? tableIn(request.copy, table) : working(name);
  };
  const work: Work = {
    id,
    schema,
    request,
    rules: ports.rules,
    plan,
    state,
    versions,
    working,
    context: { original, id, workingSchema: { catalog: request.copy, schema }, from, rows, built, alias: sourceAlias },
    selection: everything,
    choose: (selection) => {
      work.selection = selection;
    },
    query: (statement, parameters) => ports.warehouse.query(statement, parameters),
    change: (statement, parameters) => changeAgain(ports.warehouse, statement, parameters),
    step: (text) => ports.onStep?.(text),
  };
  return work;
}
