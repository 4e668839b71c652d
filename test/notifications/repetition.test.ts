import fc from "fast-check";
import { expect, test } from "vitest";
import type { Verdict } from "../../src/model/report.ts";
import { type ChannelState, decideAlert, nextChannelState, type VerdictEvent } from "../../src/notifications/repetition.ts";

/** A channel through any history of runs, deliveries that fail among them. */

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

test("nothing is told twice within the window, nothing is lost, and a recovery follows what was bad", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), wanted, (steps, on) => {
      let known: ChannelState | undefined;
      let now = 1_000_000;
      /** Those that arrived since the last pass. */
      let since: Sent[] = [];
      let unwanted = false;
      /** One was sent and not answered: it may have arrived all the same. */
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
        // It goes through a file.
        known = JSON.parse(JSON.stringify(known)) as ChannelState;
      }
    }),
    { numRuns: 1_000 },
  );
});

test("what was told in the future, by a wrong clock, silences nothing", () => {
  const known = { sent: { a: new Date(9_000_000).toISOString() }, open: true };
  expect(decideAlert(known, { verdict: "failed", cause: "a", now: 1_000, windowMs, on: ["failed"] }).kind).toBe("send");
});
