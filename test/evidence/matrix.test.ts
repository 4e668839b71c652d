import { expect, test } from "vitest";
import { matrixCell } from "../../src/evidence/matrix-cell.ts";

test.each<[string | undefined, string | undefined]>([
  ['{"shard":2,"browser":"firefox"}', "browser=firefox, shard=2"],
  ['{\n  "browser": "firefox",\n  "shard": 2\n}', "browser=firefox, shard=2"],
  ['{"on":{"os":"linux","cpu":"arm"}}', 'on={"cpu":"arm","os":"linux"}'],
  // Two cells must never have the same text.
  ['{"a":"1, b=2"}', 'a="1, b=2"'],
  ['{"a":"1","b":"2"}', "a=1, b=2"],
  // No matrix, or a runner that doesn't evaluate the expression.
  ["null", undefined],
  ["{}", undefined],
  ["", undefined],
  [undefined, undefined],
  ["${{ toJson(matrix) }}", undefined],
])("%j is the cell %j", (json, cell) => expect(matrixCell(json)).toBe(cell));
