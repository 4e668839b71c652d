import { enableCompileCache } from "node:module";
import { breakOnPurpose } from "./breakage.ts";
import { readSettings } from "./settings.ts";

/** Whoever stops this process waits for the port, so a peer that doesn't close its connection must not hold it. */
const closeDeadlineMs = 2_000;

breakOnPurpose(process.env.CLASSROOM_BREAK ?? "");
const settings = readSettings(process.env);
// Caches compiled code between starts, which halves the start time. Only affects modules imported after this line.
enableCompileCache();
const { startServer } = await import("./server.ts");
const server = await startServer(settings);
console.log(`classroom backend (${settings.environment}) listening on port ${server.port}`);

for (const signal of ["SIGTERM", "SIGINT"] as const) {
  process.once(signal, () => {
    setTimeout(() => process.exit(0), closeDeadlineMs).unref();
    server.close().then(
      () => process.exit(0),
      (error: unknown) => {
        console.error(`closing: ${error instanceof Error ? error.message : error}`);
        process.exit(0);
      },
    );
  });
}
