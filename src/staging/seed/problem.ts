import { CodedError } from "../../model/coded-error.ts";

/** The seed was refused, or stopped. Its message names what and where, and what to do. */
export class SeedProblem extends CodedError {
  override name = "SeedProblem";
}
