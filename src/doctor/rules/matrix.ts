import { group, isGroup, list, text } from "../../config/path.ts";
import { allTexts, stageJobs } from "../gate.ts";
import type { Rule } from "../rule.ts";
import { type Job, jobPlace } from "../workflow.ts";

/** Whether the cells of a matrix run all tests. */

/** What the number of cells says about the shards. */
interface Shards {
  /** The axis of the matrix that says which part a cell has. */
  axis: string;
  /** Its values; `undefined` if the workflow computes them. */
  values: readonly unknown[] | undefined;
  /** The other axes, with their number of values; `undefined` if it is computed. */
  others: ReadonlyMap<string, number | undefined>;
  excludes: boolean;
}

export const wrongShards: Rule = {
  code: "ED316",
  severity: "unsafe",
  title: "The shards don't cover all tests",
  meaning:
    "`strategy.job-total` is the number of all cells of the matrix. If it is passed as the number of shards, the matrix must have one axis with the values 1, 2, 3 … and no other. Otherwise some parts of the tests never run, and the gate passes without them.",
  cure: "Write the number of shards itself, such as `--shard=${{ matrix.shard }}/4`, and the values from 1 to that number.",
  *find(subject) {
    for (const job of stageJobs(subject)) {
      const shards = shardsOf(job);
      const wrong = shards && whatIsWrong(shards);
      if (wrong !== undefined) yield { at: jobPlace(job, "strategy"), message: `the matrix of ${job.id}: ${wrong}` };
    }
  },
};

/** @returns undefined if the number of cells is not passed as a number of shards */
function shardsOf(job: Job): Shards | undefined {
  const value = group(job.workflow.file.at(job.path));
  const matrix = group(value.strategy).matrix;
  if (!isGroup(matrix)) return undefined;
  const axis = partAxis(value);
  if (axis === undefined || !Object.hasOwn(matrix, axis)) return undefined;
  const axes = Object.entries(matrix).filter(([name]) => name !== "include" && name !== "exclude");
  return {
    axis,
    values: list(matrix[axis])?.concat(includedValues(matrix, axis)),
    others: new Map(axes.flatMap(([name, values]) => (name === axis ? [] : [[name, list(values)?.length] as const]))),
    excludes: (list(matrix.exclude)?.length ?? 0) > 0,
  };
}

/** An entry whose value the axis doesn't have is a cell of its own; others only add to cells that are there. */
function includedValues(matrix: Record<string, unknown>, axis: string): unknown[] {
  const own = list(matrix[axis])?.map(String) ?? [];
  const included = (list(matrix.include) ?? []).map((entry) => group(entry)[axis]);
  return included.filter((value) => value !== undefined && !own.includes(String(value)));
}

/** The axis beside the number of cells, such as `shard` in `${{ matrix.shard }}/${{ strategy.job-total }}`. */
function partAxis(job: Record<string, unknown>): string | undefined {
  const steps = (list(job.steps) ?? []).map(group);
  const variables = [job.env, ...steps.map(({ env }) => env)].map(group);
  const counted = variables.find(({ ENV_ACTIONS_SHARDS: total }) => counts(text(total)));
  const commands = [job.env, ...steps].flatMap(allTexts).filter(counts);
  const places = [...variables.flatMap((one) => (counted ? [text(one.ENV_ACTIONS_SHARD) ?? ""] : [])), ...commands];
  return places.map((place) => /\bmatrix\.([\w-]+)/.exec(place)?.[1]).find((axis) => axis !== undefined);
}

function counts(expression: string | undefined): boolean {
  // With another number before it, as in `inputs.shards || strategy.job-total`, the total may not count.
  return expression !== undefined && /\$\{\{\s*strategy\.job-total\s*\}\}/.test(expression);
}

function whatIsWrong({ axis, values, others, excludes }: Shards): string | undefined {
  const more = [...others].filter(([, size]) => size !== 1);
  if (more.length > 0)
    return `strategy.job-total counts all cells, also those of ${more.map(([name]) => name).join(" and ")}, so it is no number of shards`;
  if (excludes) return "some cells are excluded, and their parts of the tests never run";
  if (values === undefined) return undefined;
  const isWhole = values.every((value, index) => Number(value) === index + 1);
  return isWhole ? undefined : `${axis} is not 1 to ${values.length}: some parts of the tests never run, or run twice`;
}
