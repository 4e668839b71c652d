import { WarehouseFailure } from "../../warehouse/failure.ts";
import { tokenize } from "../../warehouse/statements.ts";
import { SeedProblem } from "./problem.ts";
import { type Place, type Recipe, selectOf } from "./recipe.ts";
import type { SeedPorts } from "./request.ts";

/** After an INSERT failed: asks which rule of the table its rows break, and names the columns; `undefined` if none. */
export async function whyRefused(
  { warehouse }: SeedPorts,
  place: Place,
  recipe: Recipe,
  error: unknown,
): Promise<SeedProblem | undefined> {
  if (!(error instanceof WarehouseFailure) || error.kind !== "statement") return undefined;
  const required = recipe.columns
    .filter(({ nullable }) => !nullable)
    .map(({ name }) => ({ name, rule: `\`${name}\` IS NOT NULL`, what: "NOT NULL" }));
  const checks = Object.entries(recipe.checks).map(([name, rule]) => ({ name, rule, what: `CHECK ${name}` }));
  for (const { name, rule, what } of [...required, ...checks]) {
    const statement = `SELECT count(*) AS broken FROM (${selectOf(recipe, place)}) made WHERE NOT (${rule})`;
    const broken = await warehouse.query(statement).then(
      ([row]) => Number(row?.broken ?? 0),
      () => 0,
    );
    if (broken === 0) continue;
    const columns = what === "NOT NULL" ? [name] : columnsIn(rule, recipe);
    return new SeedProblem(
      "EA6134",
      `${recipe.table}: ${what} doesn't hold for ${broken} of the rows that were made, because of ${columns.join(", ")}. Name a generator for ${columns.length === 1 ? "it" : "them"} in staging.seed.tables.${recipe.table}.columns`,
      { cause: error },
    );
  }
  return undefined;
}

function columnsIn(rule: string, { columns }: Recipe): string[] {
  const tokens = tokenize(rule);
  const words = new Set(typeof tokens === "string" ? [] : tokens.map(({ value }) => value.replaceAll("`", "").toLowerCase()));
  return columns.flatMap(({ name }) => (words.has(name.toLowerCase()) ? [name] : []));
}
