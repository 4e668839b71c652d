import { expect, test } from "vitest";
import { versionSpan } from "../../src/report/words.ts";

test.each([
  [{ from: 12, to: 15 }, "12–15"],
  [{ from: 12, to: 12 }, "12"],
  [{ from: null, to: 3 }, "new–3"],
  [{ from: 12, to: null }, "12–unknown"],
  // The version at the start could not be read. That does not make the table a new one.
  [{ from: null, to: null }, "unknown"],
])("versions %j of a table are shown as %s", (versions, shown) => {
  expect(versionSpan(versions)).toBe(shown);
});
