import { SeedProblem } from "./problem.ts";
import type { Recipe } from "./recipe.ts";

/** What can be filled at the same time: each round only needs the ones before it. @throws SeedProblem for a circle */
export function roundsOf(recipes: readonly Recipe[]): Recipe[][] {
  const waiting = new Map(recipes.map((recipe) => [recipe.table, recipe]));
  const rounds: Recipe[][] = [];
  while (waiting.size > 0) {
    const ready = [...waiting.values()].filter(({ after }) => [...after].every((table) => !waiting.has(table)));
    if (ready.length === 0)
      throw new SeedProblem(
        "EA6132",
        `these tables refer to each other in a circle: ${[...waiting.keys()].sort().join(", ")}. Give a column of one of them { constant: null } in staging.seed.tables`,
      );
    for (const { table } of ready) waiting.delete(table);
    rounds.push(ready);
  }
  return rounds;
}
