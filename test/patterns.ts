import { loadPatterns } from "../src/lib/pattern.ts";

/** Reading a configuration loads the engine of its patterns; tests that hand parts of one to a probe have read none. */
await loadPatterns();
