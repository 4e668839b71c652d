import { isFromRunner } from "./action/commands.ts";

// The driver's dependencies print deprecation warnings at every start, which are of no use to the user.
process.noDeprecation = true;

/** The reader of the output may stop reading (`| head`). The stage continues, because it has to clean up. */
function goOnUnread(error: NodeJS.ErrnoException): void {
  if (error.code !== "EPIPE") throw error;
}
process.stdout.on("error", goOnUnread);
process.stderr.on("error", goOnUnread);

/** The oldest version with everything we use. A runner brings 24. */
const oldestNode = 22;

/**
 * What main.ts starts if there is something to do. Nothing is imported before it is known what, because loading code that is not
 * needed would take most of the time until the first output.
 */
if (isFromRunner()) await (await import("./action/main.ts")).main(process.env);
else if (Number(process.versions.node.split(".")[0]) < oldestNode) {
  process.stderr.write(`env-actions: this is node ${process.versions.node}, but node ${oldestNode} or later is needed\n`);
  process.exitCode = 2;
} else {
  const { terminal, sayUncaught } = await import("./cli/main.ts");
  process.once("uncaughtException", sayUncaught);
  process.exitCode = await terminal(process.argv.slice(2));
}

/**
 * The work is done and its results are written. What is still open now, such as a connection that a server keeps, must not keep
 * the job running. It gets a moment to close by itself.
 */
const lingerMs = 50;

function end(): void {
  if (process.stdout.writableLength + process.stderr.writableLength > 0) endSoon();
  else process.exit();
}

function endSoon(): void {
  setTimeout(end, lingerMs).unref();
}
// Taking Node apart would take longer than the operating system needs.
process.once("beforeExit", () => process.exit());
endSoon();
