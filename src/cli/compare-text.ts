import type { ComparedShape, Fact, FactGroup, Result, TableFact, Told } from "../compare/facts.ts";
import type { CheckComparison } from "../compare/from-history.ts";
import type { LatencyComparison, LatencyWord } from "../compare/latency.ts";
import { count, numberText } from "../lib/count.ts";
import { bytes } from "../report/words.ts";
import type { RouteComparison } from "../stages/compare/api.ts";
import type { StructureComparison } from "../stages/compare/structure.ts";
import type { Comparison } from "./compare.ts";
import type { Part } from "./screen.ts";

/** A comparison as people read it. Names of others are made plain by the screen, which prints each line. */

type Line = Part[];

/** @param all also what is equal, and each table */
export function comparisonLines(found: Comparison, all: boolean): Line[] {
  const { a, b, latency, facts, shape, structure, wrong } = found;
  const names = { a, b };
  return [
    [[`${a} beside ${b}`, "bold"]],
    ...wrong.map((text): Line => [[`  ✘ ${text}`, "red"]]),
    ...historyLines(latency, names),
    ...(latency.turns ? turnLines(latency.turns, names) : []),
    ...groupTitles.flatMap(([group, title]) =>
      factLines(
        title,
        facts.filter((fact) => fact.group === group),
        names,
        all,
      ),
    ),
    ...shapeLines(shape, names, all),
    ...structureLines(structure, names),
  ];
}

interface Names {
  a: string;
  b: string;
}

const groupTitles: readonly (readonly [FactGroup, string])[] = [
  ["warehouse", "Warehouse"],
  ["redis", "Redis"],
  ["api", "API"],
  ["certificates", "Certificates"],
  ["configuration", "What is checked"],
];

function title(text: string): Line[] {
  return [[""], [[text, "bold"]]];
}

function historyLines({ checks, onlyInA, onlyInB, unknown }: Comparison["latency"], { a, b }: Names): Line[] {
  const empty = checks.length + onlyInA.length + onlyInB.length === 0;
  return [
    ...title("Latency, from the history"),
    ...(unknown === undefined ? [] : [unknownLine(unknown)]),
    ...(empty && unknown === undefined ? [unknownLine("no stage of them has measured one yet")] : []),
    ...checks.map((check) =>
      latencyLine(check.project === undefined ? check.title : `${check.title} (${check.project})`, check, runsText(check), a),
    ),
    ...checks
      .filter(isApart)
      .slice(0, 1)
      .map((check): Line => [[`  The runs are of different times: ${periods(check, { a, b })}.`, "yellow"]]),
    ...onlyLines(onlyInA, a),
    ...onlyLines(onlyInB, b),
  ];
}

function onlyLines(checks: readonly string[], name: string): Line[] {
  return checks.length === 0 ? [] : [[`  ? only measured in ${name}: ${checks.join(", ")}`]];
}

function runsText({ runsA, runsB, samplesA, samplesB }: CheckComparison): string {
  return `${count(runsA, "run")} (${samplesA} samples) beside ${runsB} (${samplesB})`;
}

/** Whether no moment belongs to both periods. */
function isApart({ periodA, periodB }: CheckComparison): boolean {
  return periodA !== undefined && periodB !== undefined && (periodA.to < periodB.from || periodB.to < periodA.from);
}

function periods({ periodA, periodB }: CheckComparison, { a, b }: Names): string {
  const text = (period: CheckComparison["periodA"]) => `${period?.from.slice(0, 10)} to ${period?.to.slice(0, 10)}`;
  return `${a} ${text(periodA)}, ${b} ${text(periodB)}`;
}

function turnLines(turns: readonly RouteComparison[] | { unknown: string }, { a }: Names): Line[] {
  return [
    ...title("Latency, now, in turns"),
    ...(isList(turns)
      ? turns.flatMap(({ route, comparison, unknown }): Line[] => [
          ...(comparison ? [latencyLine(route, comparison, count(comparison.turns, "turn"), a)] : []),
          ...(unknown === undefined ? [] : [unknownLine(`${route}: ${unknown}`)]),
        ])
      : [unknownLine(turns.unknown)]),
  ];
}

function isList<Item, Other>(value: readonly Item[] | Other): value is readonly Item[] {
  return Array.isArray(value);
}

const wordStyles: Record<LatencyWord, "red" | "green" | "gray" | "yellow"> = {
  slower: "red",
  faster: "green",
  "no difference seen": "gray",
  "too few samples": "yellow",
};

const wordMarks: Record<LatencyWord, string> = { slower: "▲", faster: "▼", "no difference seen": "·", "too few samples": "?" };

function latencyLine(
  name: string,
  found: Pick<LatencyComparison, "word" | "ratio" | "low" | "high" | "visible">,
  from: string,
  a: string,
): Line {
  const { word, ratio, low, high, visible } = found;
  const bounds = low === undefined || high === undefined ? "" : ` (${factor(low)} to ${factor(high)})`;
  const seen = visible === undefined ? "" : `; ${percent(visible)} would have been seen`;
  const said = {
    slower: `${a} is slower`,
    faster: `${a} is faster`,
    "no difference seen": `no difference seen${seen}`,
    "too few samples": `too few samples${seen === "" ? "" : `: only ${percent(visible ?? 0)} would have been seen`}`,
  }[word];
  return [
    [`  ${wordMarks[word]} ${name}: ${said}`, wordStyles[word]],
    [`${ratio === undefined ? "" : `, ×${factor(ratio)}${bounds}`}, ${from}`, "gray"],
  ];
}

function factor(value: number): string {
  return value >= 100 ? String(Math.round(value)) : value.toFixed(2);
}

function percent(share: number): string {
  return share >= 10 ? `×${Math.round(1 + share)}` : `${Math.max(1, Math.ceil(share * 100))} %`;
}

function unknownLine(why: string): Line {
  return [[`  ? unknown: ${why}`, "yellow"]];
}

const resultMarks: Record<Result, string> = {
  equal: "·",
  different: "≠",
  "only in the first": "≠",
  "only in the second": "≠",
  unknown: "?",
};

function factLines(name: string, facts: readonly Fact[], names: Names, all: boolean): Line[] {
  if (facts.length === 0) return [];
  const shown = facts.filter(({ result }) => all || result !== "equal");
  const equal = facts.length - shown.length;
  return [
    ...title(name),
    ...shown.map((fact) => factLine(fact, names)),
    ...(equal > 0 ? [[[`  · ${equal} equal`, "gray"]] as Line] : []),
  ];
}

function factLine({ name, a, b, result }: Fact, names: Names): Line {
  const what = name === "" ? "" : `${name}: `;
  const text =
    result === "equal"
      ? `${what}${told(a)}`
      : result === "only in the first" && isChecked(a)
        ? `${what}only in ${names.a}`
        : result === "only in the second" && isChecked(b)
          ? `${what}only in ${names.b}`
          : `${what}${names.a} ${told(a)}, ${names.b} ${told(b)}`;
  const line = `  ${resultMarks[result]} ${text}`;
  return result === "unknown" ? [[line, "yellow"]] : result === "equal" ? [[line, "gray"]] : [line];
}

/** Words that say nothing beside "only in". */
function isChecked(value: Told): boolean {
  return "is" in value && value.is === "checked";
}

function told(value: Told, number: (value: number) => string = numberText): string {
  if ("is" in value) return typeof value.is === "number" ? number(value.is) : value.is;
  return "unknown" in value ? `unknown (${value.unknown})` : "none";
}

function shapeLines(shape: ComparedShape, names: Names, all: boolean): Line[] {
  if ("unknown" in shape) return [...title("Tables and rows"), ...shape.unknown.map(unknownLine)];
  const { tables } = shape;
  const of = (wanted: Result) => tables.filter(({ result }) => result === wanted);
  const isEmpty = (value: Told) => "is" in value && value.is === 0;
  const emptyIn = (side: "a" | "b", other: "a" | "b") =>
    tables.filter((table) => isEmpty(table[side]) && "is" in table[other] && !isEmpty(table[other]));
  const both = tables.filter(({ result }) => result === "equal" || result === "different");
  return [
    ...title("Tables and rows"),
    [
      `  ${count(both.length, "table")} in both: ${of("equal").length} with the same number of rows, ${of("different").length} with another`,
    ],
    [`  rows in them: ${names.a} ${numberText(sum(both, "a"))}, ${names.b} ${numberText(sum(both, "b"))}`],
    ...listLine(`only in ${names.a}`, of("only in the first")),
    ...listLine(`only in ${names.b}`, of("only in the second")),
    ...listLine(`empty in ${names.a}, and not in ${names.b}`, emptyIn("a", "b")),
    ...listLine(`empty in ${names.b}, and not in ${names.a}`, emptyIn("b", "a")),
    ...of("unknown")
      .slice(0, all ? undefined : mostListed)
      .map((table) => unknownTable(table, names)),
    ...(all ? tables.filter(({ result }) => result !== "unknown").map((table) => tableLine(table, names)) : []),
  ];
}

const mostListed = 10;

function listLine(what: string, tables: readonly TableFact[]): Line[] {
  if (tables.length === 0) return [];
  const named = tables.slice(0, mostListed).map(({ table }) => table);
  const more = tables.length > mostListed ? `, and ${tables.length - mostListed} more` : "";
  return [[`  ≠ ${what}: ${named.join(", ")}${more}`]];
}

function sum(tables: readonly TableFact[], side: "a" | "b"): number {
  return tables.reduce((rows, table) => rows + ("is" in table[side] ? Number(table[side].is) : 0), 0);
}

function unknownTable({ table, a, b }: TableFact, names: Names): Line {
  return [[`  ? ${table}: ${names.a} ${told(a)}, ${names.b} ${told(b)}`, "yellow"]];
}

function tableLine({ table, a, b, result, sizeA, sizeB }: TableFact, names: Names): Line {
  const size = (value: Told | undefined) => (value ? ` (${told(value, bytes)})` : "");
  const line = `  ${resultMarks[result]} ${table}: ${names.a} ${told(a)}${size(sizeA)}, ${names.b} ${told(b)}${size(sizeB)}`;
  return result === "equal" ? [[line, "gray"]] : [line];
}

function structureLines(found: StructureComparison, { a, b }: Names): Line[] {
  const lines = (): Line[] => {
    if ("unknown" in found) return [unknownLine(found.unknown)];
    const { verdict, differences, unseen, at, from, named = [], sameCatalog } = found;
    if (sameCatalog !== undefined)
      return [[[`  · both use the catalog ${sameCatalog}, so that their tables are the same`, "gray"]]];
    const when = from === "history" ? `, as the drift of ${at.slice(0, 16).replace("T", " ")} UTC found` : "";
    const hidden = unseen > 0 ? `, and ${count(unseen, "part")} could not be seen` : "";
    if (verdict === "equal") return [[[`  · ${a} and ${b} have the same structure${when}`, "gray"]]];
    if (verdict === "unseen") return [unknownLine(`no difference was found${hidden}${when}`)];
    return [
      [`  ≠ ${count(differences, "difference")}${hidden}${when}${named.length > 0 ? ":" : ""}`],
      ...named.map((text): Line => [`    ${text}`]),
      ...(differences > named.length && named.length > 0 ? [[`    and ${differences - named.length} more`]] : []),
    ];
  };
  return [...title("Structure of the catalogs"), ...lines()];
}
