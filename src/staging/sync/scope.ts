import type { Facet } from "../../model/staging.ts";
import { quoteName } from "../../warehouse/statements.ts";
import type { Structure } from "../structure/structure.ts";
import type { Steps } from "./steps.ts";

/** What a request allows besides what is safe. */
export interface Allowed {
  /** Whether grants that only the copy has are revoked. */
  revoke?: boolean;
  /** Tables (`schema.table`) that are dropped and created anew if no ALTER makes them equal. Their rows are lost. */
  recreate?: (table: string) => boolean;
}

/** Whether a difference is to be removed: whether the comparison lists it, and no rule leaves it out. */
export type Wants = (facet: Facet, object: string, item?: string) => boolean;

/** What planning knows. */
export interface Planning {
  original: Structure;
  copy: Structure;
  /** Of objects that both have. */
  listed: Wants;
  /** Of objects that the plan creates: everything that no rule leaves out. */
  notIgnored: Wants;
  allowed: Allowed;
  /** Catalogs of the original → what takes their place in the copy, in lower case. */
  catalogs: ReadonlyMap<string, string>;
  /** The functions of the copy, as `schema.function` in lower case; undefined: unknown. */
  functions: ReadonlySet<string> | undefined;
  steps: Steps;
}

/** The quoted name of something in the copy. @param object `schema` or `schema.table` */
export function inCopy({ copy }: Pick<Planning, "copy">, object: string): string {
  return [copy.catalog, ...object.split(".")].map(quoteName).join(".");
}

/**
 * Why it is unknown whether one of the structures has more of this than it lists; undefined if it is known. What was not seen
 * there must be neither created nor dropped.
 */
export function whyUnseen(structure: Structure, facet: Facet, object: string): string | undefined {
  return structure.unseen.find(
    ({ facet: unseen, within }) =>
      unseen === facet &&
      (within === "" || within === object || object.startsWith(`${within}.`) || within.startsWith(`${object}.`)),
  )?.why;
}
