/**
 * The first Ctrl-C stops the stage and lets it clean up; the second leaves at once and says what that means.
 */
export function interruption(say: (text: string) => void): { signal: AbortSignal; dispose(): void } {
  const controller = new AbortController();
  const interrupt = (name: NodeJS.Signals) => {
    if (!controller.signal.aborted) {
      say(`  ${name}: stopping what was started, and deleting this run's test data (once more leaves at once)`);
      controller.abort(new Error(`interrupted by ${name}`));
      return;
    }
    say("  leaving: test data of this run may be left; `env-actions cleanup --scope run --execute` deletes it");
    process.exit(130);
  };
  const signals: NodeJS.Signals[] = ["SIGINT", "SIGTERM", "SIGHUP"];
  for (const name of signals) process.on(name, interrupt);
  return {
    signal: controller.signal,
    dispose() {
      for (const name of signals) process.off(name, interrupt);
    },
  };
}
