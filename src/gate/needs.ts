import { UserError } from "../model/user-error.ts";

/** GitHub's own words for how a job ended. */
const results = ["success", "failure", "cancelled", "skipped"] as const;
export type JobResult = (typeof results)[number];

/** A job that the gate waited for. */
export interface Job {
  id: string;
  result: JobResult;
}

/**
 * Reads `${{ toJson(needs) }}`: job ids, each with a `result`. Outputs of the jobs are left alone: they are written by the jobs.
 * @throws UserError that says what to pass
 */
export function readNeeds(text: string): Job[] {
  const wanted = "pass `needs: ${{ toJson(needs) }}`, and list the jobs to wait for under the job's own `needs:`";
  if (text === "") throw new UserError("EA1104", `the input \`needs\` is missing: ${wanted}`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new UserError("EA1104", `the input \`needs\`: expected JSON: ${wanted}`, { cause });
  }
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new UserError("EA1104", `the input \`needs\`: expected an object with a result for each job: ${wanted}`);
  const jobs = Object.entries(value).map(([id, job]): Job => {
    const said: unknown = typeof job === "object" && job !== null && "result" in job ? job.result : undefined;
    const result = results.find((one) => one === said);
    if (result === undefined)
      throw new UserError(
        "EA1104",
        `the input \`needs\`: expected a result for the job ${id}, one of ${results.join(", ")}: ${wanted}`,
      );
    return { id, result };
  });
  if (jobs.length === 0) throw new UserError("EA1104", `the input \`needs\` names no job: ${wanted}`);
  return jobs;
}

/** A job or stage that may be skipped now, with the reason in the workflow's words. */
export interface AllowedSkip {
  /** The id of a job, or the name of a stage. */
  name: string;
  allowed: boolean;
  reason: string | undefined;
}

/** Not an object, which would also have members such as `constructor`. */
const values: ReadonlyMap<string, boolean> = new Map([
  ["true", true],
  ["false", false],
  ["", false],
]);

/**
 * Reads lines such as `e2e: ${{ github.event.pull_request.draft }} # drafts`. The workflow evaluates the expression in the gate's
 * own job, so a skip is allowed only if its reason holds when the gate decides.
 * @throws UserError that names the line
 */
export function readAllowedSkips(text: string): AllowedSkip[] {
  const skips = text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "")
    .map((line) => {
      const [, name, value = "", reason] = /^([\w-]+):\s*(\S*)\s*(?:#\s*(.*))?$/.exec(line) ?? [];
      // An expression about something that the event doesn't have is empty, and so is not true.
      const allowed = values.get(value);
      if (name === undefined || allowed === undefined)
        throw new UserError(
          "EA1104",
          `the input \`allow-skips\`: expected lines such as "e2e: true # why", with true, false or an expression, got "${line}"`,
        );
      return { name, allowed, reason };
    });
  const names = skips.map(({ name }) => name);
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  if (twice !== undefined)
    throw new UserError("EA1104", `the input \`allow-skips\`: expected one line for ${twice}, got several: write one expression`);
  return skips;
}
