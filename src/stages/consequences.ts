import type { Check } from "../model/report.ts";
import { reportCheck, type StageContext } from "./context.ts";

type Checking = Promise<Check | Check[]>;

export interface Looks {
  /** What the application stands on: warehouse and Redis. */
  base: readonly Checking[];
  /** What stands on that: the application itself. */
  application: readonly Checking[];
  beside: readonly Checking[];
}

/** Waits for checks that all run already, tells each as it comes, and judges the application by what it stands on. */
export async function gather(context: StageContext, looks: Looks): Promise<Check[]> {
  const base = Promise.all(looks.base.map((checking) => reportCheck(context, checking))).then((checks) => checks.flat());
  const beside = looks.beside.map((checking) => reportCheck(context, checking));
  const application = looks.application.map((checking) =>
    reportCheck(
      context,
      Promise.all([base, checking]).then(([below, checks]) => asConsequences(below, [checks].flat())),
    ),
  );
  return [await base, await Promise.all(beside), await Promise.all(application)].flat(2);
}

/**
 * What the application cannot live without. All else that is looked at beside it, such as the rights of our own credential or a
 * statement of the user, the application needs nothing of: whether we could look at that says nothing about it.
 */
const foundations = new Set(["databricks.connect", "redis.ping"]);

/**
 * What stands on a foundation that could not be looked at cannot be judged: an API whose database or Redis we could not reach may
 * be broken, or may only suffer from the same. Its failure then says no more than that, and the cause is named.
 */
export function asConsequences(base: readonly Check[], checks: readonly Check[]): Check[] {
  const cause = base.find(({ id, verdict }) => foundations.has(id) && verdict === "error");
  if (!cause) return [...checks];
  const possibleCause = `Possible cause: ${cause.title} could not be checked.`;
  return checks.map((check) =>
    check.verdict === "failed" && !check.independent
      ? { ...check, verdict: "error", cause: cause.id, message: `${possibleCause} ${check.message ?? ""}`.trim() }
      : check,
  );
}
