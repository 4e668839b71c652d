import { amountText } from "../../lib/count.ts";
import type { Amount, Books, TableBooks } from "../../model/test-data.ts";
import { versionSpan } from "../words.ts";
import { html, type Markup, nothing } from "./markup.ts";
import { code, dataTable, notes } from "./parts.ts";

/** What the run wrote, by the tables' own history. */
export function booksPart(books: Books | undefined): Markup {
  if (!books) return nothing;
  const clean = [books.unexplained, books.touched, books.keys?.unexplained].every((amount) => !amount || amount.most === 0);
  return html`<h3>Books</h3>
<p><b class="${clean ? "good" : "bad"}">${books.line}</b></p>
${notes("bad", "What could not be counted", books.problems)}
${places(books.tables)}
${keysPart(books.keys)}
${notes("info", "What to do", books.advice)}`;
}

function places(tables: readonly TableBooks[]): Markup {
  if (tables.length === 0) return nothing;
  const number = (amount: Amount) => amountText(amount);
  const columns = [
    { title: "Table" },
    { title: "Versions" },
    { title: "Made", numeric: true },
    { title: "Deleted", numeric: true },
    { title: "Unexplained", numeric: true },
    { title: "Real rows touched", numeric: true },
    { title: "Samples" },
  ];
  const rows = tables.map((table) => [
    html`${code(table.table)}${table.why === undefined ? nothing : html`<p class="message bad">${table.why}</p>`}`,
    versionSpan(table),
    number(table.made),
    number(table.deleted),
    number(table.unexplained),
    number(table.touched),
    samples([...table.samples, ...table.touchedSamples, ...table.hangsOn]),
  ]);
  return dataTable("What the run wrote, by table", columns, rows);
}

function keysPart(keys: Books["keys"]): Markup {
  if (!keys || keys.unexplained.most === 0) return nothing;
  const why = keys.why === undefined ? "" : `, because ${keys.why}`;
  return html`<p>Redis, ${keys.looked}: unexplained ${amountText(keys.unexplained)}${why}</p>${samples(keys.samples)}`;
}

function samples(texts: readonly string[]): Markup {
  return html`<ul class="samples">${texts.map((text) => html`<li>${code(text)}</li>`)}</ul>`;
}
