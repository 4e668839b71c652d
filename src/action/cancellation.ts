/**
 * The runner cancels with SIGINT, 7.5 s later SIGTERM, 2.5 s later SIGKILL. The first one stops the stage, which then cleans up;
 * what does not fit into those ten seconds is left to the post step, which still runs.
 */
export function cancellation(say: (text: string) => void): { signal: AbortSignal; dispose(): void } {
  const controller = new AbortController();
  const cancel = (name: string) => {
    if (controller.signal.aborted) return;
    say(`${name}: stopping what was started, and cleaning up`);
    controller.abort(new Error(`cancelled by ${name}`));
  };
  process.on("SIGINT", cancel);
  process.on("SIGTERM", cancel);
  return {
    signal: controller.signal,
    dispose() {
      process.off("SIGINT", cancel);
      process.off("SIGTERM", cancel);
    },
  };
}
