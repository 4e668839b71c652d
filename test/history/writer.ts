import { readRecord } from "../../src/history/record/schema.ts";
import { branchStore } from "../../src/history/store/branch.ts";

/** A process that a test kills: does what its lines on stdin say, and prints the number of each that is done. */

const [url = "", repository = "", branch = "", token = ""] = process.argv.slice(2);
const store = branchStore({ repository, branch, token, env: { GITHUB_API_URL: url }, firstPauseMs: 5 });
let text = "";
for await (const chunk of process.stdin) text += String(chunk);
console.log("ready");
for (const [number, line] of text.trim().split("\n").entries()) {
  const { compact, claim, records = [] } = JSON.parse(line) as { compact?: number; claim?: string; records?: unknown[] };
  const [first, ...others] = records.map(readRecord);
  if (compact !== undefined) await store.compact?.({ now: 0, joinBefore: compact, removeBefore: 0 });
  else if (claim !== undefined) await store.claim?.(claim, { runId: "", at: "", what: claim });
  else if (first && others.length > 0) await store.addAll?.([first, ...others]);
  else if (first) await store.add(first);
  console.log(number);
}
