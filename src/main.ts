// The driver's dependencies print deprecation warnings at every start, which tell the user nothing.
process.noDeprecation = true;

/** Whoever reads what is printed may have seen enough (`| head`): the stage goes on all the same, because it has to clean up. */
function goOnUnread(error: NodeJS.ErrnoException): void {
  if (error.code !== "EPIPE") throw error;
}
process.stdout.on("error", goOnUnread);
process.stderr.on("error", goOnUnread);

/** The oldest that has what we use; a runner brings 24. */
const oldestNode = 22;

/**
 * The one entry of dist. The runner starts it without arguments; a terminal or a `run:` step gives some. Nothing is imported
 * before that is known: most of the time to the first word is the loading of what is not needed for it.
 */
const onRunner = process.env.GITHUB_ACTIONS === "true" && process.argv.length === 2;
if (onRunner) await (await import("./action/main.ts")).main(process.env);
else if (Number(process.versions.node.split(".")[0]) < oldestNode) {
  process.stderr.write(`env-actions: this is node ${process.versions.node}, but node ${oldestNode} or later is needed\n`);
  process.exitCode = 2;
} else {
  const { terminal, sayUncaught } = await import("./cli/main.ts");
  process.once("uncaughtException", sayUncaught);
  process.exitCode = await terminal(process.argv.slice(2));
}

/** What a silent server holds open must not hold a job: the work is done, and its results are written. */
const lingerMs = 3_000;

function endSoon(): void {
  const end = () => (process.stdout.writableLength + process.stderr.writableLength > 0 ? endSoon() : process.exit());
  setTimeout(end, lingerMs).unref();
}
endSoon();

export {};
