import { it } from "vitest";

it("is never reached", () => undefined);

/** CLASSROOM_BREAK=crashed-suite: the file cannot be loaded, so that none of its tests ever runs. */
throw new Error("this suite crashes on purpose while it is loaded");
