import { AuditLog } from "../../src/audit/log.ts";

/** Writes to the log like a stage in its own process: `node writer.ts <file> <name> <lines>`, one line after another. */
const [file = "", name = "", lines = "0"] = process.argv.slice(2);
const log = new AuditLog(
  file,
  { who: name, run: "1763917800000_9f3c1a7e", environment: "sandbox", stage: "integration", key: undefined },
  String,
  // Eight of them wait for one lock, perhaps on a machine that is busy with much else.
  60_000,
);
for (let line = 0; line < Number(lines); line++)
  await log.write({ action: "statement", details: { what: "delete", table: "sessions.classroom_sessions" }, counts: { line } });
