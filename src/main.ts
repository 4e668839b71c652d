// The driver's dependencies print deprecation warnings at every start, which tell the user nothing.
process.noDeprecation = true;

/**
 * The one entry of dist. The runner starts it without arguments; a terminal or a `run:` step gives some. Nothing is imported
 * before that is known: most of the time to the first word is the loading of what is not needed for it.
 */
const onRunner = process.env.GITHUB_ACTIONS === "true" && process.argv.length === 2;
if (onRunner) await (await import("./action/main.ts")).main(process.env);
else {
  const { terminal } = await import("./cli/main.ts");
  process.exitCode = await terminal(process.argv.slice(2));
}

export {};
