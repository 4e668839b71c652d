/**
 * How long this thread computes, in milliseconds. Unlike time by the clock, it doesn't grow while other work has the CPU, so a bound
 * tells linear from quadratic on a busy machine, too.
 */
export function cpuMsOf(work: () => void): number {
  const before = process.threadCpuUsage();
  work();
  const { user, system } = process.threadCpuUsage(before);
  return (user + system) / 1_000;
}
