import { config } from "zod";

// Compiling a schema pays off after thousands of uses. Here each one reads a file or two, and compiling would take longer than
// that.
config({ jitless: true });

// biome-ignore lint/performance/noBarrelFile: schemas name zod with one letter.
// biome-ignore lint/performance/noReExportAll: of our own list.
export * as z from "./zod-parts.ts";
