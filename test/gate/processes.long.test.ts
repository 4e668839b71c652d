import { testProcesses } from "./attacks/processes.ts";

// Every row of the table as a process, which is half a minute of computing.

testProcesses(1);
