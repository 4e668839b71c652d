// Stands for the tests of one job, cell or step: it makes two rows and a key, meets the others, and ends in the way that HOW says.
// `ends`: when all are there. `stays`: when the one that ends has ended, with its stage, and looks whether its own data is still there.
// `killed`: as `stays`, then kills the process that started it, as a machine without memory does.
import { appendFileSync, existsSync, readFileSync, watch, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cacheKey, closeStore, countRows, insertSession, readKey } from "./sessions.mjs";

const {
  NAME,
  HOW,
  MEETING,
  REPORT,
  ENV_ACTIONS_PREFIX: prefix,
  ENV_ACTIONS_LEDGER: ledger,
  ENV_ACTIONS_RUN_ID: runId,
} = process.env;
const group = NAME.split("-")[0];

/** Resolves when all these files are in the meeting place. */
function met(...names) {
  return new Promise((resolve) => {
    const look = () => {
      if (!names.every((name) => existsSync(join(MEETING, name)))) return;
      watcher.close();
      resolve();
    };
    const watcher = watch(MEETING, look);
    look();
  });
}

const ids = [`${prefix}_${NAME}`, `chosen-by-the-server-for-${NAME}`];
for (const id of ids) await insertSession(id);
appendFileSync(ledger, `\n${JSON.stringify({ table: "sessions.classroom_sessions", id: ids[1] })}\n`);
const key = `cw:test:${prefix}_code`;
await cacheKey(key);
writeFileSync(join(MEETING, `${NAME}-ready`), runId);

const members = JSON.parse(readFileSync(join(MEETING, "groups.json"), "utf8"))[group];
await met(...members.map((name) => `${name}-ready`));
if (HOW !== "ends") {
  await met(`${members[0]}-ended`);
  writeFileSync(join(MEETING, `${NAME}-saw`), JSON.stringify({ rows: await countRows(ids), key: await readKey(key) }));
}
if (HOW === "killed") {
  process.kill(startedBy(), "SIGKILL");
  // Whoever is not ended by the post step goes on.
  setInterval(() => undefined, 1_000);
} else {
  writeFileSync(REPORT, '<testsuite name="cells"><testcase name="works" time="0.01"/></testsuite>');
  await closeStore();
}

/** The process of the action: the nearest ancestor that runs its bundle. */
function startedBy() {
  for (let pid = process.ppid; pid > 1; ) {
    if (readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("dist/index.js")) return pid;
    pid = Number(/^PPid:\s*(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);
  }
  throw new Error("no process of the action started this");
}
