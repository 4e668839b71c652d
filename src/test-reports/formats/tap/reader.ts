import { type Findings, messageOf, stackOf, UnreadableReport, wholeRun } from "../../reported.ts";
import type { TextFormat } from "../format.ts";
import { requireDeclaredCount } from "../json-document.ts";
import { eachLine } from "../lines/lines.ts";
import { Block } from "./diagnostics.ts";
import { type Point, planIn, pointIn } from "./point.ts";
import { durationOf, identityOf, type Told, troubleOf } from "./trouble.ts";

/** TAP 12 to 14 (testanything.org), as node's test runner, node-tap, Vitest, Tape, Perl, Bats and others write it. */

export const tap: TextFormat = {
  syntax: "text",
  writers: ["TAP"],
  recognise: (start) => (isTap(start) ? "tap" : undefined),
  read,
};

/** Programs such as npm may print before the first line. */
function isTap(start: string): boolean {
  if (/^[<{[]/.test(start)) return false;
  return /^TAP version \d+\r?$/m.test(start) || /^(?:1\.\.\d+\b|(?:not )?ok\b(?:[ \t]|\r?$))/m.test(start);
}

async function read(file: string, text: AsyncIterable<string>, findings: Findings): Promise<void> {
  const reader = new TapReader(file, findings);
  await eachLine(text, ({ text: line, number }) => reader.line(line, number));
  reader.end();
}

const deepestLevel = 64;
const mostComments = 20;

/** The tests at one indentation. */
interface Level {
  indent: number;
  /** The title of the test that these are subtests of, if known. */
  title: string | undefined;
  /** The title that a comment announces for the next test and its subtests. */
  announced: string | undefined;
  plan: number | undefined;
  seen: number;
  failed: number;
  /** The last test, until all that belongs to it was read. */
  last: Pending | undefined;
  /** Subtests that ended, whose own test follows. */
  closed: Closed | undefined;
  /** Tape begins each group of assertions with a comment. */
  group: string | undefined;
}

interface Closed {
  seen: number;
  failed: number;
  complaint: string | undefined;
}

interface Pending extends Told {
  line: number;
  subtests: Closed | undefined;
  /** Of subtests in braces. A name may end with a brace, too. */
  braces: "none" | "open" | "closed";
}

const sourceFile = /^\S.*\.(?:[cm]?[jt]sx?|py|rb|pl|t|bats|php|lua|sh)$/;

/** Memory does not grow with the report: a test is reported as soon as the next one begins. */
class TapReader {
  readonly #file: string;
  readonly #findings: Findings;
  #levels: Level[] = [];
  #block: Block | undefined;
  #line = 0;
  #bailedOut = false;
  /** A line break that got into `not ok` must not make it `ok`. */
  #broken = false;
  /** The last comments: node prints a file's errors before it names the file. */
  #said: string[] = [];
  /** Some test said how long it took. Then one that doesn't say it did not run. */
  #timed = false;
  /** Whether the tool says of each failure why, as node does. */
  #saysWhy = false;
  #version = 0;
  #counts = { tests: 0, failed: 0, toDo: 0 };
  readonly #declared = new Map<string, number>();

  constructor(file: string, findings: Findings) {
    this.#file = file;
    this.#findings = findings;
    this.#begin();
  }

  #begin(): void {
    this.#levels = [newLevel(0, undefined)];
    this.#counts = { tests: 0, failed: 0, toDo: 0 };
    this.#declared.clear();
    this.#saysWhy = false;
  }

  line(line: string, number: number): void {
    this.#line = number;
    const text = line.trimStart();
    const indent = line.length - text.length;
    if (this.#isInBlock(text.trimEnd(), indent, line)) return;
    this.#outside(text.trimEnd(), indent);
  }

  /** A block ends where the indentation does, even if its last line is missing. */
  #isInBlock(text: string, indent: number, line: string): boolean {
    const last = this.#top().last;
    if (this.#block && last) {
      if (text === "..." && indent === this.#block.indent) {
        this.#block = undefined;
        return true;
      }
      // Vitest doesn't indent the lines of a text in quotes.
      if (text === "" || indent >= this.#block.indent || !this.#isStructure(text)) {
        this.#block.add(line);
        return true;
      }
      this.#block = undefined;
    }
    if (text !== "---" || !last || last.block || indent <= this.#top().indent) return false;
    this.#block = new Block(indent);
    last.block = this.#block;
    return true;
  }

  #isStructure(text: string): boolean {
    return pointIn(text) !== undefined || planIn(text) !== undefined || /^(?:# Subtest: |Bail out!|TAP version )/.test(text);
  }

  #outside(text: string, indent: number): void {
    const broken = this.#broken;
    this.#broken = text === "not" || text === "no";
    if (text === "") return;
    // What follows a name that ends with a brace is not deeper than it.
    const { last } = this.#top();
    if (last?.braces === "none" && indent <= this.#top().indent) last.braces = "closed";
    const version = /^TAP version (\d+)$/.exec(text);
    const plan = planIn(text);
    const point = pointIn(text);
    if (version) {
      this.#version = Number(version[1]);
      if (indent === 0) this.#nextDocument();
    } else if (/^Bail out!/i.test(text)) this.#bailOut(text.slice("Bail out!".length).trim());
    else if (plan) this.#plan(plan, indent);
    else if (point) this.#point(broken ? { ...point, ok: false } : point, indent);
    else if (text === "}") this.#closeBrace(indent);
    else if (text.startsWith("#")) this.#comment(text.replace(/^#+ ?/, ""), indent);
    else if (indent > this.#top().indent) this.#explain(`${indent > this.#top().indent + 2 ? "    " : ""}${text}`);
  }

  /** Reports of several programs, one after the other. */
  #nextDocument(): void {
    const [root] = this.#levels;
    if (!root || (root.plan === undefined && root.seen === 0)) return;
    this.end();
    this.#begin();
  }

  #top(): Level {
    const top = this.#levels.at(-1);
    if (!top) throw new Error("there is always a level");
    return top;
  }

  /** The level of a line, after all deeper ones ended. */
  #levelAt(indent: number, title?: string): Level {
    this.#closeTo(indent);
    const top = this.#top();
    if (indent <= top.indent) return top;
    if (this.#levels.length >= deepestLevel) throw this.#unreadable(`too deep: more than ${deepestLevel} levels of subtests`);
    const opened = top.last?.point.opens ? top.last.point.name : undefined;
    if (top.last?.point.opens) top.last.braces = "open";
    const level = newLevel(indent, opened ?? top.announced ?? title);
    this.#levels.push(level);
    return level;
  }

  #closeBrace(indent: number): void {
    this.#closeTo(indent);
    const { last } = this.#top();
    if (last?.braces === "open") last.braces = "closed";
  }

  #closeTo(indent: number): void {
    while (this.#levels.length > 1 && this.#top().indent > indent) {
      const level = this.#top();
      this.#finish(level);
      this.#levels.pop();
      const closed = { seen: level.seen, failed: level.failed, complaint: complaintAbout(level) };
      const parent = this.#top();
      parent.failed += level.failed;
      if (parent.last?.point.opens) parent.last.subtests = closed;
      else parent.closed = closed;
    }
  }

  #plan({ tests, skipped }: { tests: number; skipped: string | undefined }, indent: number): void {
    const level = this.#levelAt(indent);
    this.#finish(level);
    if (level.plan !== undefined && level.plan !== tests && indent === 0)
      throw this.#unreadable(`damaged: expected one plan, got 1..${level.plan} and 1..${tests}`);
    level.plan = tests;
    if (skipped !== undefined && tests === 0 && indent === 0)
      this.#findings.test({ titles: [skipped], status: "skipped", durationMs: 0, attempts: 1 });
  }

  #point(point: Point, indent: number): void {
    const level = this.#levelAt(indent);
    this.#finish(level);
    if (point.timeMs !== undefined) this.#timed = true;
    const [file, titles] = this.#identity(level, point);
    level.last = {
      point,
      line: this.#line,
      titles,
      file,
      subtests: level.closed,
      said: this.#said,
      comments: [],
      block: undefined,
      braces: "none",
    };
    this.#said = [];
    level.seen++;
    level.announced = undefined;
    level.closed = undefined;
  }

  /** node-tap and Vitest name the file as the outermost test. */
  #identity(level: Level, point: Point): [string | undefined, string[]] {
    const outer = this.#levels.map(({ title }) => title).filter((title) => title !== undefined);
    const group = point.dashed || point.name === "" ? undefined : level.group;
    const titles = [...outer, ...(group === undefined ? [] : [group]), ...point.name.split(/ > (?=\S)/)];
    const [first] = titles;
    return first !== undefined && sourceFile.test(first) && titles.length > 1 ? [first, titles.slice(1)] : [undefined, titles];
  }

  #comment(text: string, indent: number): void {
    const subtest = /^Subtest: (.*)$/.exec(text)?.[1]?.replace(/\\([#\\])/g, "$1");
    if (subtest !== undefined) {
      this.#subtest(subtest, indent);
      return;
    }
    const level = this.#top();
    const explains = this.#explain(text);
    // Without a version it is no tape.
    if (!explains && this.#version > 0 && indent === level.indent) level.group = text.replace(/^(?:TODO|SKIP) /, "");
    if (indent === 0) this.#said = [...this.#said, text].slice(-mostComments);
    const [root] = this.#levels;
    if (!root || this.#levels.length > 1 || indent > 0 || root.plan === undefined || root.seen < root.plan) return;
    const count = /^(tests|fail) +(\d+)$/.exec(text);
    if (count) this.#declared.set(count[1] ?? "", Number(count[2]));
  }

  /** A failed test without a block is explained by the text that follows. */
  #explain(text: string): boolean {
    const { last } = this.#top();
    if (!last || last.point.ok || last.block) return false;
    if (last.comments.length < mostComments) last.comments.push(text);
    return true;
  }

  /** Some write the comment before the subtests, as TAP 14 wants it; others as the first of them. */
  #subtest(title: string, indent: number): void {
    const top = this.#top();
    if (indent > top.indent && top.announced === undefined && !top.last?.point.opens) {
      this.#finish(top);
      this.#levelAt(indent, title);
      return;
    }
    const level = this.#levelAt(indent);
    this.#finish(level);
    level.announced = title;
  }

  /** Reports the last test of a level, now that its diagnostics were read. */
  #finish(level: Level): void {
    const { last } = level;
    if (!last) return;
    if (last.point.opens) this.#closeTo(level.indent);
    level.last = undefined;
    this.#block = undefined;
    if (last.braces === "open")
      throw this.#unreadable(`truncated: expected } after the subtests of "${last.titles.join(" › ")}"`);
    const values = last.block?.values() ?? new Map<string, string>();
    const type = values.get("type");
    // node counts suites separately. It also counts tests with subtests, and before node 22 it gave them no type.
    const isSuite = type === "suite";
    const isOwn = type === "test" || (type === undefined && values.has("duration_ms"));
    const ended = this.#statusOf(last, values);
    const [title = ""] = last.titles;
    // node's name for a file without tests, whose process ended well.
    const isFile = level.indent === 0 && last.titles.length === 1 && sourceFile.test(title) && (last.subtests?.seen ?? 0) === 0;
    const status = ended === "passed" && isOwn && isFile ? "skipped" : ended;
    if (status === "failed") this.#fail(level, last, values, isSuite || !isOwn);
    else if (isOwn || (!isSuite && (last.subtests?.seen ?? 0) === 0)) {
      this.#counts.tests++;
      if (status === "skipped" && !last.point.ok) this.#counts.toDo++;
      this.#findings.test({ ...identityOf(last, values), status, durationMs: durationOf(last, values), attempts: 1 });
    }
    const complaint = last.subtests?.complaint;
    if (complaint === undefined) return;
    const message = `the subtests of "${last.titles.join(" › ")}": ${complaint}`;
    if (status === "passed") throw this.#unreadable(`damaged: ${message}`, last.line);
    this.#findings.crashed({ file: identityOf(last, values).file ?? wholeRun, message: messageOf(message) });
  }

  #statusOf({ point, block }: Pending, values: Map<string, string>): "passed" | "failed" | "skipped" {
    if (point.directive === "todo")
      return point.ok && (!this.#timed || block !== undefined || point.timeMs !== undefined) ? "passed" : "skipped";
    // TAP 13 does not say what a skipped test is that failed.
    if (point.directive === "skip" && (point.ok || this.#version >= 14)) return "skipped";
    return point.ok && values.get("failureType") === undefined ? "passed" : "failed";
  }

  /** `isGroup`: the failure of a subtest is the only reason for it to fail, unless it says another one, or should say and doesn't. */
  #fail(level: Level, last: Pending, values: Map<string, string>, isGroup: boolean): void {
    const { subtests } = last;
    const failedBelow = (subtests?.failed ?? 0) > 0;
    const reason = values.get("failureType");
    const hook = reason === "hookFailed";
    if (reason !== undefined) this.#saysWhy = true;
    const hasSubtests = subtests !== undefined;
    const isFromBelow = reason === undefined ? !this.#saysWhy : reasonsOfOthers.has(reason);
    const isGroupOfFailed = isGroup && hasSubtests && failedBelow;
    if (isGroupOfFailed && isFromBelow) return;
    level.failed++;
    const trouble = troubleOf(last, values, hasSubtests ? subtests : undefined);
    const identity = identityOf(last, values);
    const [title = ""] = last.titles;
    const isFile = last.titles.length === 1 && sourceFile.test(title) && level.indent === 0;
    if (isFile || isGroupOfFailed || (hook && values.get("type") === "suite")) {
      const name = isFile ? "" : `${last.titles.join(" › ")}: `;
      this.#findings.crashed({
        file: isFile ? title : (identity.file ?? wholeRun),
        message: messageOf(`${name}${trouble.message}`),
      });
      // node counts a file that could not be loaded as a test.
      if (isFile) this.#count();
      return;
    }
    this.#count();
    this.#findings.test({
      ...identity,
      status: "failed",
      durationMs: durationOf(last, values),
      attempts: 1,
      message: messageOf(trouble.message),
      stack: stackOf(trouble.stack),
    });
  }

  #count(): void {
    this.#counts.tests++;
    this.#counts.failed++;
  }

  #bailOut(reason: string): void {
    this.#closeTo(0);
    this.#finish(this.#top());
    if (!this.#bailedOut) this.#findings.crashed({ file: wholeRun, message: messageOf(`Bail out! ${reason}`) });
    this.#bailedOut = true;
  }

  end(): void {
    this.#closeTo(0);
    const root = this.#top();
    // The end of the report is no place for subtests to begin.
    if (root.last?.point.opens && root.last.braces === "none") root.last.braces = "open";
    this.#finish(root);
    if (this.#bailedOut) return;
    if (root.plan === undefined) throw this.#unreadable("truncated: expected a plan such as 1..5, got none");
    if (root.seen < root.plan) throw this.#unreadable(`truncated: expected ${root.plan} tests as planned, got ${root.seen}`);
    requireDeclaredCount(this.#file, "tests", this.#declared.get("tests"), this.#counts.tests);
    // AVA counts what is still to do as failed, too.
    requireDeclaredCount(this.#file, "failed tests", this.#declared.get("fail"), this.#counts.failed + this.#counts.toDo);
    if (root.seen > root.plan)
      this.#findings.crashed({ file: wholeRun, message: `expected ${root.plan} tests as planned, got ${root.seen}` });
  }

  #unreadable(cause: string, line = this.#line): UnreadableReport {
    return new UnreadableReport("EA6004", this.#file, cause, `line ${line}`);
  }
}

/** The words of node for a test that failed only because others did. An unknown word may be any reason. */
const reasonsOfOthers: ReadonlySet<string> = new Set(["subtestsFailed", "cancelledByParent", "parentAlreadyFinished"]);

function newLevel(indent: number, title: string | undefined): Level {
  const nothing = { announced: undefined, plan: undefined, last: undefined, closed: undefined, group: undefined };
  return { indent, title, seen: 0, failed: 0, ...nothing };
}

function complaintAbout({ plan, seen }: Level): string | undefined {
  return plan !== undefined && seen < plan ? `expected ${plan} tests as planned, got ${seen}` : undefined;
}
