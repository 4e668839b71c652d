import { expect, test } from "vitest";
import { parse } from "yaml";
import { blocks, pages } from "../docs/markdown.ts";
import { base, examined } from "./fixture.ts";

/** What our own pages tell people to write has nothing to find. */

const workflows = pages
  .flatMap((page) => blocks(page, "yaml"))
  .filter(({ text }) => /^jobs:/m.test(text) && text.includes("env-actions"))
  .map((block) => ({ ...block, text: /^on:/m.test(block.text) ? block.text : `on: [pull_request, merge_group]\n${block.text}` }));

/** Of the project around a page's workflow, which is not the fixtures': its environments, its variables, its other jobs. */
const otherProject = ["ED103", "ED105", "ED304", "ED314"];

/** Pages that begin without a merge queue. */
const withoutQueue = ["docs/guides/your-own-project.md"];

test("the documentation has some", () => expect(workflows.length).toBeGreaterThanOrEqual(12));

test.each(workflows)("$place", async ({ page, text }) => {
  expect(parse(text)).toHaveProperty("jobs");
  const { findings, lookedAt } = await examined({ ...base, ".github/workflows/gate.yml": text });
  expect(lookedAt.workflows).toEqual([".github/workflows/gate.yml"]);
  const left = findings
    .filter(({ file }) => file === ".github/workflows/gate.yml")
    .filter(({ code, message }) => !(code === "ED405" && /^classwaves\/env-actions\/\w+@FULL_SHA is not pinned/.test(message)))
    .filter(({ code }) => !otherProject.includes(code) && !(code === "ED201" && withoutQueue.includes(page)));
  expect(left.map(({ code, line, message }) => `${code}:${line} ${message}`)).toEqual([]);
});
