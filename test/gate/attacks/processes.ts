import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { inParallel } from "../../../src/lib/in-parallel.ts";
import { type LocalArtifacts, startArtifacts } from "../../harness/artifact-service.ts";
import { folderForAllTests } from "../../harness/folder.ts";
import { type Place, problemsOfGate, problemsOfStage } from "./ask.ts";
import { themes } from "./rows.ts";
import { sequence } from "./sequence.ts";

const atOnce = 4;

/** Starts the published program for these rows, four at once: a test for each theme. @param nth 3: every third row of a theme */
export function testProcesses(nth: number): void {
  const folder = folderForAllTests();
  let service: LocalArtifacts;
  beforeAll(async () => {
    service = await startArtifacts();
  });
  afterAll(async () => {
    expect(service.violations).toEqual([]);
    await service.stop();
  });

  async function problems<One>(theme: string, rows: readonly One[], of: (row: One, place: Place) => Promise<string[]>) {
    const chosen = rows.filter((_, index) => index % nth === 0);
    const place = (row: One) => ({ workspace: join(folder.path, `${theme} ${rows.indexOf(row)}`), service });
    return (await inParallel(atOnce, chosen, (row) => of(row, place(row)))).flat();
  }

  describe("the gate", () => {
    test.each(Object.entries(themes))("%s", async (theme, rows) => {
      const started = rows.filter(([, , , , runner]) => typeof runner !== "string");
      expect(await problems(theme, started, problemsOfGate)).toEqual([]);
    });
  });

  describe("a stage that is asked to start", () => {
    test.each(Object.entries(sequence))("%s", async (stage, rows) => {
      expect(await problems(stage, rows, problemsOfStage)).toEqual([]);
    });
  });
}
