import { it } from "vitest";

it("is never reached", () => undefined);

/** CLASSROOM_BREAK=crashed-suite: the file cannot be loaded, so none of its tests run. */
throw new Error("this suite crashes on purpose while it is loaded");
