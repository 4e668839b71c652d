import { afterAll, expect } from "vitest";
import { comparedStatements, stopReferee } from "./referee.ts";

/** After each file: no statement may have another answer on Delta than on the local warehouse. */
afterAll(async () => {
  const compared = comparedStatements();
  await stopReferee();
  const differences = compared.filter(({ same }) => !same);
  console.log(`${compared.length} statements compared with Delta, ${differences.length} differences`);
  expect(differences.map(({ sql, why }) => ({ sql: sql.slice(0, 400), why }))).toEqual([]);
});
