import { numberText } from "../../lib/count.ts";
import type { SweepResult, SweptThing } from "../../model/staging.ts";
import type { Inline, Row, Section } from "./shapes.ts";

/** What lost runs and earlier refreshes left in a copy's workspace. */

/** What became of something that a sweep found. */
export const sweptStates: Readonly<Record<SweptThing["state"], string>> = {
  planned: "would be dropped",
  dropped: "dropped",
  kept: "kept",
  left: "not proven gone",
};

export function sweepSection({ things, planned }: SweepResult): Section {
  const amount = (state: SweptThing["state"]) => things.filter((thing) => thing.state === state).length;
  const left = amount("left");
  const brief = [
    planned ? `${numberText(amount("planned"))} would be dropped` : `${numberText(amount("dropped"))} dropped`,
    ...(left > 0 ? [`${numberText(left)} not proven gone`] : []),
    ...(amount("kept") > 0 ? [`${numberText(amount("kept"))} kept`] : []),
  ].join(", ");
  const rows = things.map(({ what, name, state, why = "" }): Row => {
    const shown: Inline = state === "left" ? { strong: sweptStates[state], tone: "bad" } : sweptStates[state];
    return { cells: [{ code: name }, what, shown, why], loses: "problem" };
  });
  const columns = ["Name", "What", "State", "Why"].map((title) => ({ title }));
  return {
    what: "staging",
    title: "Sweep",
    brief,
    ...(left === 0 ? { quiet: true } : {}),
    blocks:
      rows.length > 0
        ? [{ kind: "table", title: "What was found", columns, rows, loses: "problem" }]
        : [{ kind: "text", line: ["Nothing was found."] }],
  };
}
