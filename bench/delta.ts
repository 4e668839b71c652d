import { countFilesRead } from "../test/delta/files-read.ts";

/**
 * How many of a table's 200 files each step of a cleanup reads on real Spark with Delta: `node bench/delta.ts`. What it runs are the
 * cleanup's own functions, so it lives beside the tests with Delta.
 */
await countFilesRead();
