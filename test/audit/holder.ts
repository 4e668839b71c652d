import { takeLock } from "../../src/lib/lock-file.ts";

/** Takes a lock, says so, and keeps it: `node holder.ts <file>`. Ends with its parent, which closes its standard input. */
await takeLock(process.argv[2] ?? "", 1_000);
process.stdout.write("held\n");
process.stdin.on("end", () => process.exit()).resume();
