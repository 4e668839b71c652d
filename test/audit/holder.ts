import { takeLock } from "../../src/lib/lock-file.ts";

/**
 * Takes a lock, prints a line, and keeps the lock: `node holder.ts <file>`. Ends with its parent, which closes its standard
 * input.
 */
await takeLock(process.argv[2] ?? "", 1_000);
process.stdout.write("held\n");
process.stdin.on("end", () => process.exit()).resume();
