import type { Finding } from "../checks/run-check.ts";
import { WrongTarget } from "../cleanup/execute/proof.ts";

/** We looked, and it is the wrong place: that is `failed`. Whatever else is thrown means that we could not look. */
export async function inTheRightPlace(work: () => Promise<Finding>): Promise<Finding> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof WrongTarget)) throw error;
    return { verdict: "failed", message: error.message };
  }
}
