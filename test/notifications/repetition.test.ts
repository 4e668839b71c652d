import fc from "fast-check";
import { expect, test } from "vitest";
import type { Verdict } from "../../src/model/report.ts";
import { decideAlert, nextChannelState, type VerdictEvent } from "../../src/notifications/after-verdict.ts";
import type { ChannelState } from "../../src/notifications/alert-memory.ts";

/** One channel and any history of runs, including failed deliveries. */

const windowMs = 1_000;
const step = fc.record({
  verdict: fc.constantFrom<Verdict>("passed", "degraded", "failed", "error", "skipped"),
  cause: fc.constantFrom("a", "b", "__proto__"),
  passesMs: fc.integer({ min: 0, max: 700 }),
  arrives: fc.boolean(),
});
const wanted = fc.uniqueArray(fc.constantFrom<VerdictEvent>("failed", "error", "degraded", "recovered"), { minLength: 1 });

interface Sent {
  at: number;
  event: VerdictEvent;
  cause: string;
}

test("no alert is sent twice within the window, none is lost, and each failure gets its recovery", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), wanted, (steps, on) => {
      let known: ChannelState | undefined;
      let now = 1_000_000;
      /** The alerts that arrived since the last pass. */
      let since: Sent[] = [];
      let unwanted = false;
      /** An alert was sent but not answered, so it may have arrived. */
      let unanswered = false;
      for (const { verdict, cause: base, passesMs, arrives } of steps) {
        now += passesMs;
        const cause = `${verdict}: ${base}`;
        const occasion = { verdict, cause, now, windowMs, on };
        const decision = decideAlert(known, occasion);
        known = nextChannelState(known, occasion, decision, decision.kind === "send" ? arrives : true);
        const before = since.findLast((sent) => sent.cause === cause);
        const lately = before !== undefined && now - before.at < windowMs;
        if (verdict === "skipped") expect(decision.kind).toBe("silent");
        else if (verdict === "passed") {
          const due = on.includes("recovered") && (since.length > 0 || unwanted || unanswered);
          expect(decision).toEqual(due ? { kind: "send", event: "recovered" } : { kind: "silent" });
          if (!due || arrives) {
            since = [];
            unwanted = false;
            unanswered = false;
          }
        } else if (on.includes(verdict)) {
          expect(decision).toEqual({ kind: lately ? "repeated" : "send", event: verdict });
          if (decision.kind === "send" && arrives) since.push({ at: now, event: verdict, cause });
          unanswered ||= decision.kind === "send" && !arrives;
        } else {
          expect(decision.kind).toBe("silent");
          unwanted ||= verdict !== "degraded";
        }
        // As it comes back from the file that stores it.
        known = JSON.parse(JSON.stringify(known)) as ChannelState;
      }
    }),
    { numRuns: 1_000 },
  );
});

test("an alert with a time in the future, from a wrong clock, suppresses no other", () => {
  const known = { sent: { a: new Date(9_000_000).toISOString() }, open: true };
  expect(decideAlert(known, { verdict: "failed", cause: "a", now: 1_000, windowMs, on: ["failed"] }).kind).toBe("send");
});
