import { count } from "../../lib/count.ts";
import type { CleanupResult, TableCleanup, TouchedRow } from "../../model/test-data.ts";
import { codeBlock, inlineCode, inlineText, tableCell } from "../inert.ts";
import { cut, deletedKeys, keyTtl, known, statementText, touchedRest, touchedTitle, touchedWords } from "../words.ts";
import { details, tableHead, tableRow } from "./blocks.ts";
import type { Part } from "./budget.ts";

const longestText = 500;

export function testDataParts(cleanup: CleanupResult | undefined): Part[] {
  if (!cleanup) return [];
  return [
    { text: `### Test data\n\n${summary(cleanup)}\n\n` },
    ...touchedParts(cleanup),
    ...tableParts(cleanup),
    ...ttlPart(cleanup),
    ...listPart(cleanup.problems, "❌", "problem"),
    ...listPart(cleanup.notes, "ℹ️", "list of notes"),
    ...statementParts(cleanup),
  ];
}

function summary(cleanup: CleanupResult): string {
  const planned = `${count(cleanup.plannedRows, "row")} and ${count(cleanup.keys.planned, "key")}`;
  const digest = `Plan ${inlineCode(cleanup.digest)}.`;
  if (cleanup.dryRun) return `Dry run, scope ${cleanup.scope}: ${planned} would be deleted; nothing was. ${digest}`;
  const deleted = `${count(cleanup.deletedRows, "row")} and ${deletedKeys(cleanup)} deleted`;
  const left =
    cleanup.leftOver === null ? "**whether anything is left could not be told**" : `**${known(cleanup.leftOver)} left**`;
  return `Scope ${cleanup.scope}: ${planned} planned, ${deleted}, ${left}. ${digest}`;
}

/** More are in the report. */
const mostTouched = 20;

function touchedParts(cleanup: CleanupResult): Part[] {
  const { touched = [] } = cleanup;
  if (touched.length === 0) return [];
  const listed = touched.slice(0, mostTouched);
  const rest = touchedRest(cleanup, listed.length);
  const row = (one: TouchedRow): Part => {
    const { place, row: name, now, before } = touchedWords(one);
    return touchedPart(tableRow([place, name, now, before].map((text) => inlineCode(cut(text, longestText)))));
  };
  return [
    { text: `**${touchedTitle}**\n\n` },
    touchedPart(tableHead(["Column", "Row", "Now, by a test", "Before"])),
    ...listed.map(row),
    { text: `\n${rest === "" ? "" : `${rest}.\n\n`}` },
  ];
}

function touchedPart(text: string): Part {
  return { text, shorter: [{ text: "", loses: "changed real row" }] };
}

function tableParts(cleanup: CleanupResult): Part[] {
  const { keys, tables, dryRun } = cleanup;
  if (tables.length === 0 && keys.planned === 0 && keys.problem === undefined) return [];
  const titles = dryRun ? ["Where", "Planned", "Samples"] : ["Where", "Planned", "Deleted", "Left", "Samples"];
  const row = (name: string, done: Pick<TableCleanup, "planned" | "deleted" | "left" | "samples" | "problem">): Part =>
    part(
      tableRow([
        name + (done.problem === undefined ? "" : `<br>❌ ${tableCell(cut(done.problem, longestText))}`),
        ...[done.planned, ...(dryRun ? [] : [done.deleted, done.left])].map(known),
        done.samples.map((sample) => inlineCode(cut(sample, longestText))).join(" "),
      ]),
    );
  return [
    part(tableHead(titles, new Set(dryRun ? [1] : [1, 2, 3]))),
    ...tables.map((table) => row(inlineCode(cut(table.table, longestText)), table)),
    row("Redis keys", keys),
    { text: "\n" },
  ];
}

function ttlPart({ keys }: CleanupResult): Part[] {
  const life = keyTtl(keys);
  if (life === undefined) return [];
  const samples = (keys.ttl?.samples ?? []).map((sample) => inlineCode(cut(sample, longestText))).join(" ");
  return [
    { text: `Redis: ${inlineText(cut(life, longestText))} ${samples}\n\n`, shorter: [{ text: "", loses: "list of notes" }] },
  ];
}

function part(text: string): Part {
  return { text, shorter: [{ text: "", loses: "test data table" }] };
}

function listPart(lines: readonly string[], icon: string, loses: "problem" | "list of notes"): Part[] {
  if (lines.length === 0) return [];
  const text = lines.map((line) => `- ${icon} ${inlineText(cut(line, longestText))}\n`).join("");
  return [{ text: `${text}\n`, shorter: [{ text: "", loses }] }];
}

function statementParts({ tables }: CleanupResult): Part[] {
  if (tables.length === 0) return [];
  const text = details("Statements and versions, for undo", codeBlock(tables.map(statementText).join("\n\n")));
  return [{ text, shorter: [{ text: "", loses: "list of deleting statements" }] }];
}
