import type { Configuration } from "./configuration.ts";
import type { Project } from "./project.ts";
import type { Workflow } from "./workflow.ts";
import type { UnknownWord } from "./workflow-words.ts";

/** The interface of a rule. Each rule is an object in one of the files in `rules`, and a line in `registry.ts`. */

/**
 * - `fails`: a run fails, or never ends.
 * - `unsafe`: credentials or data are at risk, or a check is green although nothing was checked.
 * - `surprises`: a run works, but not as most people expect.
 */
export type Severity = "fails" | "unsafe" | "surprises";

/** Where something is. Line and column start at 1, as in editors. */
export interface Place {
  /** As the user can open it: relative to the working directory. */
  file: string;
  line: number;
  column: number;
}

/** One mistake that a rule found. */
export interface Found {
  at: Place;
  /** What is there. Never contains the value of a variable. */
  message: string;
  /** What to do, if the rule's own cure is too general here. */
  cure?: string;
}

/** Says that something could not be looked at, so that its absence from the findings means nothing. */
export interface NotLookedAt {
  what: string;
  why: string;
  /** Whether it was wanted and went wrong. Then "nothing found" would say too much. */
  failed?: true;
}

/** What the rules look at. */
export interface Subject {
  /** All workflows that could be read, also those without env-actions. */
  workflows: readonly Workflow[];
  /** The path of the configuration, relative to the repository. */
  configurationPath: string;
  /** Absent if the file could not be read. */
  configuration: Configuration | undefined;
  project: Project;
  /** Absent if the environment was not asked. */
  environment: EnvironmentFacts | undefined;
  /** Mistakes that were found while the files were read. */
  unreadable: readonly Found[];
  faulty: readonly Found[];
  /** Of all workflows. */
  unknownWords: readonly UnknownWord[];
  notLookedAt: (told: NotLookedAt) => void;
}

/** What the environment itself said. */
export interface EnvironmentFacts {
  name: string;
  /** Where the configuration declares it. */
  at: Place;
  /** Tables with what is wrong in their declaration; absent if the warehouse was not asked. */
  tables?: readonly { table: string; text: string }[];
  /** How far the clocks are ahead of this machine's, in milliseconds. */
  clocks: readonly { of: string; aheadMs: number; uncertaintyMs: number }[];
}

export interface Rule {
  /** Permanent: a code always means the same kind of mistake, and is never reused. */
  code: `ED${number}`;
  severity: Severity;
  /** A few words, as the heading of its entry in the reference. */
  title: string;
  /** What happens because of it. */
  meaning: string;
  /** What to do. */
  cure: string;
  find: (subject: Subject) => Iterable<Found>;
}
