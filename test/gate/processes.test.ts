import { testProcesses } from "./attacks/processes.ts";

// The table of attacks and accidents as processes: the published program, started as the runner starts the step, with evidence from a
// stand-in of the artifact service. A third of the rows of each theme; processes.long.test.ts has all.

testProcesses(3);
