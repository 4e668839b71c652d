import { amountText, count } from "../../lib/count.ts";
import type { Isolation } from "../../model/test-data.ts";
import type { Block, Line } from "./shapes.ts";

/** The run's own copy of the tables, in the section of the books. */
export function isolationBlocks(isolation: Isolation | undefined): Block[] {
  if (!isolation || isolation.by === "prefixes") return [];
  const { exceptions, shared, swept } = isolation;
  return [
    { kind: "text", line: summary(isolation) },
    ...list(
      "Not cloned",
      exceptions.map(({ table, state, why }) => `${table}: ${state}, because ${why}`),
    ),
    ...list(
      "New versions of the environment's own tables",
      (shared?.writes ?? []).map(
        ({ table, whose, users, operations, versions }) =>
          `${table}: ${count(versions, "version")} by ${users.join(", ")} (${operations.join(", ")}), ${whose}`,
      ),
    ),
    ...list("Lost branches of earlier runs that were dropped", swept),
  ];
}

function summary({ branch, cloned, empty, views, skipped, createdMs, droppedMs, gone, shared, written }: Isolation): Line {
  const made = [
    `${count(cloned, "table")} cloned`,
    ...(empty > 0 ? [`${empty} empty`] : []),
    ...(views > 0 ? [count(views, "view")] : []),
    ...(skipped > 0 ? [`${skipped} skipped by the configuration`] : []),
  ].join(", ");
  const [first = "", ...more] = branch;
  const took = (ms: number | undefined) => (ms === undefined ? "" : ` in ${ms} ms`);
  const end =
    gone === true
      ? ({ strong: "gone", tone: "good" } as const)
      : ({ strong: gone === false ? "still there" : "unknown whether it is gone", tone: "bad" } as const);
  return [
    "The run had tables of its own: ",
    { code: first },
    `${more.length > 0 ? ` and ${count(more.length, "more schema")}` : ""}, made${took(createdMs)} (${made}), dropped${took(droppedMs)}: `,
    end,
    `. Rows inserted there: ${written ? amountText(written.rows) : "unknown"}. Shared tables touched: `,
    { strong: shared ? amountText(shared.touched) : "unknown", tone: shared?.touched.most === 0 ? "good" : "bad" },
    ", expected 0. ",
  ];
}

function list(title: string, items: readonly string[]): Block[] {
  return items.length > 0 ? [{ kind: "list", title, tone: "advice", items: [...items], loses: "note" }] : [];
}
