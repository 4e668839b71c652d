import { numbers } from "./places.ts";

/** What can be wrong with a line. */
const kinds = {
  foreign: { why: "this line is not a line of an audit log", torn: false },
  torn: { why: "the last line is incomplete: writing it was interrupted", torn: true },
  changed: { why: "this line was changed: its hash does not match its content", torn: false },
  withoutMac: { why: "this line has no HMAC, but lines before it have one: it was written without the key", torn: false },
  wrongMac: {
    why: "the HMAC of this line does not match the key: it was written with another key, or without one",
    torn: false,
  },
  notFirst: { why: "this is not the first line of a log: lines before it are missing", torn: false },
  outOfOrder: { why: "this line does not follow the line before it: lines were removed, added or reordered", torn: false },
} as const;

export type FaultKind = keyof typeof kinds;

export interface AuditFault {
  /** Starting at 1. */
  line: number;
  why: string;
  /** The last line was not written to its end. An interruption is enough for that. */
  torn: boolean;
}

export function faultOf(line: number, kind: FaultKind): AuditFault {
  return { line, ...kinds[kind] };
}

const names = Object.keys(kinds) as FaultKind[];

/** Any number of faults: a file that is no log at all may have as many as lines. */
export class AuditFaults {
  readonly #lines = numbers();
  readonly #kinds = numbers();

  get length(): number {
    return this.#lines.length;
  }

  add(line: number, kind: FaultKind): void {
    this.#lines.push(line);
    this.#kinds.push(names.indexOf(kind));
  }

  first(most: number): AuditFault[] {
    return Array.from({ length: Math.min(most, this.length) }, (_, index) => this.#at(index));
  }

  *[Symbol.iterator](): Generator<AuditFault, void, void> {
    for (let index = 0; index < this.length; index++) yield this.#at(index);
  }

  #at(index: number): AuditFault {
    return faultOf(this.#lines.get(index), names[this.#kinds.get(index)] as FaultKind);
  }
}
