import { config, z } from "zod";

// Compiling each schema pays where it is used a thousand times: here it reads a file or two, and would take longer than that.
config({ jitless: true });

export { z };
