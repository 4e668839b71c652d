import { lessonsOf } from "./classwaves-lessons.ts";
import { officeOf } from "./classwaves-office.ts";
import { peopleOf } from "./classwaves-people.ts";
import type { Draft, Scale } from "./draft.ts";

/** How ClassWaves' 48 tables are filled. */
export function classWavesDrafts(scale: Scale): Draft[] {
  return [...peopleOf(scale), ...lessonsOf(scale), ...officeOf(scale)];
}
