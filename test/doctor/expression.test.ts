import { expect, test } from "vitest";
import { isAlwaysTrueText, truthOf } from "../../src/doctor/expression.ts";

/** Conditions, as far as they are known without a run. */

const contexts = { "github.event_name": "schedule", "github.event.deployment_status.state": "failure" };

test.each([
  [undefined, "yes"],
  ["always()", "yes"],
  ["${{ always() }}", "yes"],
  ["false", "no"],
  ["github.event_name == 'schedule'", "yes"],
  ["github.event_name == 'Schedule'", "yes"],
  ["github['event_name'] == 'schedule'", "yes"],
  ["GitHub.Event_Name != 'schedule'", "no"],
  ['!contains(fromJSON(\'["deployment_status", "schedule"]\'), github.event_name)', "no"],
  ["contains('pull_request schedule', github.event_name)", "yes"],
  ["startsWith(github.event_name, 'sched') && endsWith(github.event_name, 'x')", "no"],
  ["github.event_name == 'push' && needs.a.outputs.b == 'c'", "no"],
  ["github.event_name == 'schedule' && needs.a.outputs.b == 'c'", "unknown"],
  ["github.event_name == 'schedule' || needs.a.outputs.b == 'c'", "yes"],
  ["needs.a.outputs.b == 'c' && github.event_name == 'push'", "no"],
  ["github.event.deployment_status.state == 'success' && true", "no"],
  ["(github.event_name == 'push') || !(github.event_name == 'push')", "yes"],
  ["failure()", "no"],
  ["!cancelled()", "yes"],
  ["success() && !failure()", "yes"],
  ["contains(needs.*.result, 'failure')", "unknown"],
  ["github.ref == 'refs/heads/main'", "unknown"],
  ["'it''s' == 'IT''S'", "yes"],
  ["1 == 1", "yes"],
  ["github.event_name == ", "unknown"],
  ["this is no expression", "unknown"],
  ["", "unknown"],
  ["${{ github.event_name }} == 'push'", "yes"],
] as const)("%s: %s", (condition, truth) => expect(truthOf(condition, contexts)).toBe(truth));

test.each([
  ["always()", false],
  ["${{ always() }}", false],
  [" ${{ always() }} ", false],
  ["${{ a }} && b", true],
  ["!${{ a }}", true],
  ["${{ a }}${{ b }}", true],
])("whether %j is a text that is always true: %s", (condition, expected) => expect(isAlwaysTrueText(condition)).toBe(expected));
