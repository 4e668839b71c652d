export interface SilenceWatch {
  /** Call when something was printed. */
  heard(): void;
  stop(): void;
}

/** Calls `onQuiet` after every further `everyMs` of silence, with the milliseconds since the last output. */
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
