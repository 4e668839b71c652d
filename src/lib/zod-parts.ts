/**
 * What our schemas use of zod. A list, because the bundle keeps the whole of a library that is exported as one object: zod's
 * messages in fifty languages, its compiler, and its readers of JSON schemas. They would be two thirds of what every start reads.
 */

export type { core, input, output, RefinementCtx, ZodString, ZodType } from "zod";
// biome-ignore lint/performance/noBarrelFile: the list is what keeps the rest of zod out of the bundle.
export {
  array,
  boolean,
  discriminatedUnion,
  enum,
  int,
  iso,
  literal,
  looseObject,
  null,
  number,
  object,
  partialRecord,
  preprocess,
  record,
  registry,
  safeParse,
  strictObject,
  string,
  union,
  unknown,
  url,
  ZodArray,
  ZodNullable,
  ZodObject,
  ZodOptional,
} from "zod";
