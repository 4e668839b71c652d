import { loadPatterns } from "../src/lib/pattern.ts";

/** Reading a configuration loads the engine of its patterns; tests that hand parts of one to a probe have read none. */
await loadPatterns();

// What the tests start listens on this machine, where no proxy can reach it.
for (const name of ["https_proxy", "http_proxy", "no_proxy"])
  for (const variable of [name, name.toUpperCase()]) delete process.env[variable];
