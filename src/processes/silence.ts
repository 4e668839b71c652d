export interface SilenceWatch {
  /** Something was printed. */
  heard(): void;
  stop(): void;
}

/** Tells each time that nothing was heard for another `everyMs`, with the milliseconds since the last sound. */
export function watchSilence(everyMs: number, onQuiet: (quietMs: number) => void): SilenceWatch {
  let heardAt = performance.now();
  const timer = setInterval(() => onQuiet(Math.round(performance.now() - heardAt)), everyMs);
  return {
    heard() {
      heardAt = performance.now();
      timer.refresh();
    },
    stop: () => clearInterval(timer),
  };
}
