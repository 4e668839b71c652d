import { dark, light } from "../../report/html/colours.ts";
import { style as ofReports } from "../../report/html/style.ts";

/** The look of the report's page, and what only this page has. */

/**
 * Green says that all is well now, so it is for readers whose clock says that the records are new. Until the script has compared
 * them, and wherever it can't run, what passed is as grey as what was skipped.
 */
const grey = "--passed: var(--skipped); --passed-soft: var(--skipped-soft); --passed-bar: var(--skipped-bar);";

function green(colours: string): string {
  return (colours.match(/--passed(?:-soft|-bar)?: [^;]+;/g) ?? []).join(" ");
}

const isNew = ":root.fresh > body, .fresh[data-at]";

export const style = `${ofReports}
body, [data-at] { ${grey} }
${isNew} { ${green(light)} }
@media (prefers-color-scheme: dark) { ${isNew} { ${green(dark)} } }
.fresh > body [data-at]:not(.fresh) { ${grey} }
.late > .pill.passed, .late > .pill.degraded, [data-at] > .stale, [data-at] > .if-late { display: none; }
.late > .pill.stale { display: inline-flex; } .late > .if-late { display: inline; } .late > .if-fresh { display: none; }
.pill.stale { color: var(--degraded); background: var(--degraded-soft); outline: 1px dashed var(--degraded-bar); outline-offset: -1px; }
.icon.stale { color: var(--degraded); fill: none; }
.kicker + h1 { margin: 4px 0 6px; } h1, h3, figcaption, .about, .label, .note { overflow-wrap: anywhere; }
.when { color: var(--muted); font-size: 14px; } .when b { color: var(--text); font-weight: 600; }
.lead { list-style: none; padding: 0; margin: 18px 0; display: grid; grid-template-columns: repeat(3, minmax(0, 1fr)); gap: 14px; }
.lead li { position: relative; padding: 16px 20px; background: var(--card); border: 1px solid var(--line); border-top: 4px solid var(--skipped-bar); border-radius: 12px; box-shadow: var(--shadow); display: flex; flex-direction: column; gap: 4px; min-width: 0; overflow-wrap: anywhere; }
.lead li:first-child { grid-column: 1 / -1; border-top-width: 1px; border-left: 8px solid var(--skipped-bar); padding: 20px 24px; }
.lead .head { font-size: 19px; font-weight: 650; line-height: 1.25; } .lead li:first-child .head { font-size: 28px; display: flex; flex-wrap: wrap; gap: 6px 14px; align-items: center; }
.lead li:first-child .pill { font-size: 16px; padding: 4px 14px 4px 10px; }
.lead a { color: inherit; text-decoration: none; } .lead a::after { content: ""; position: absolute; inset: 0; border-radius: 12px; }
.lead a:focus-visible { outline: none; } .lead a:focus-visible::after { outline: 2px solid var(--link); outline-offset: 2px; } .lead li:hover .head a { text-decoration: underline; }
.lead p { color: var(--muted); font-size: 14px; } .lead b { color: var(--text); }
.lead .failed { border-color: var(--failed-bar) var(--line) var(--line); } .lead .error { border-color: var(--error-bar) var(--line) var(--line); } .lead .degraded, .lead .stale { border-color: var(--degraded-bar) var(--line) var(--line); }
${["failed", "error", "degraded"].map((state) => `.lead li:first-child.${state} { border-color: var(--line); border-left-color: var(--${state}-bar); background: var(--${state}-soft); }`).join("\n")}
.lead li:first-child.stale { border-color: var(--line); border-left-color: var(--degraded-bar); background: var(--degraded-soft); }
.lead li:first-child p { color: var(--text); font-size: 15px; }
.page .card > h3:first-of-type, .folded > h3:first-child { margin-top: 14px; }
.card > h2 { margin-bottom: 4px; } .card > h2 + .about { margin-bottom: 10px; }
.environment { padding: 14px 0 4px; border-top: 1px solid var(--line); scroll-margin-top: 70px; } .card > h2 + .environment, .about + .environment { border-top: 0; }
.environment h3 { margin: 0 0 4px; display: flex; flex-wrap: wrap; gap: 10px; align-items: center; }
.page td b { white-space: nowrap; } td .message b, td.empty b { white-space: normal; }
.strip { display: block; width: 100%; max-width: 240px; height: 16px; } td .strip { min-width: 150px; }
path.passed, path.passed-shape { fill: var(--passed-bar); } path.degraded { fill: var(--degraded-bar); } path.failed { fill: var(--failed-bar); } path.error { fill: none; stroke: var(--error-bar); stroke-width: 2; } path.skipped { fill: var(--skipped-bar); }
.columns path.error { fill: var(--error-bar); stroke: none; }
.columns path.fine { fill: var(--passed-soft); } .shape { width: 10px; height: 20px; flex: none; }
.columns { display: block; width: 100%; height: 30px; border-bottom: 1px solid var(--line); }
.columns.tall { height: 90px; }
.over-time { grid-template-columns: minmax(110px, 18%) minmax(0, 1fr) minmax(96px, auto); }
.over-time .lane { margin-top: 10px; } .track { min-width: 0; }
.sums { margin-left: 44px; } .sums li + li::before { content: none; }
.tries { display: flex; flex-wrap: wrap; gap: 2px 6px; align-items: center; } .try { display: inline-flex; gap: 4px; align-items: center; white-space: nowrap; font-size: 13.5px; }
.try.missing { color: var(--muted); } .turned { font-size: 12.5px; color: var(--degraded); font-weight: 600; }
.graphs { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 20px 28px; } .graph { margin: 0; min-width: 0; }
.graph figcaption { font-size: 14px; overflow-wrap: anywhere; } .graph figcaption b { font-weight: 600; }
.axes { display: grid; grid-template-columns: minmax(0, 1fr) auto; gap: 0 8px; font-size: 12px; color: var(--muted); font-variant-numeric: tabular-nums; margin-top: 6px; }
.axes .y { display: flex; flex-direction: column; justify-content: space-between; text-align: left; } .axes .x { display: flex; justify-content: space-between; gap: 8px; }
.curve { display: block; width: 100%; height: 110px; background: var(--sunken); overflow: visible; }
.curve .line { fill: none; stroke: var(--bar-1); stroke-width: 2; } .curve .median { fill: none; stroke: var(--bar-1); stroke-width: 1; stroke-dasharray: 2 3; } .curve .range { fill: none; stroke: var(--bar-2); stroke-width: 1; }
.curve .line, .curve .median, .curve .range, .curve .limit { vector-effect: non-scaling-stroke; } .curve .limit { fill: none; }
.cross { stroke: var(--failed); stroke-width: 2.5; fill: none; } .dot { fill: var(--bar-1); }
.graph .fold { margin: 6px 0 0; font-size: 13px; } .graph .fold > summary { padding: 4px 10px; color: var(--muted); }
.rate { display: block; width: 100%; max-width: 120px; height: 8px; margin-top: 4px; border-radius: 4px; background: var(--skipped-soft); overflow: hidden; }
.rate .flaky { fill: var(--degraded-bar); } .rate .failed { fill: var(--failed-bar); } .rate .quarantined { fill: var(--skipped-bar); }
.made { fill: var(--made); } .deleted { fill: var(--bar-2); }
.region { overflow-x: auto; position: relative; } .region:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; }
.hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
.place { color: var(--muted); font-size: 13px; overflow-wrap: anywhere; }
.empty-page { max-width: 44em; } .empty-page li { margin: 8px 0; }
.page > .card { scroll-margin-top: 60px; }
@media screen and (max-width: 800px) {
  .lead { grid-template-columns: minmax(0, 1fr); gap: 10px; } .lead li { padding: 12px 16px; } .lead li:first-child { padding: 14px 16px; } .lead li:first-child .head { font-size: 22px; }
  .graphs { grid-template-columns: minmax(0, 1fr); } .track { grid-column: 1 / -1; grid-row: 2; } .sums { margin-left: 0; } .over-time { grid-template-columns: minmax(0, 1fr) auto; }
  nav.stages { position: static; }
}
@media print {
  ${isNew} { ${green(light)} }
  .graphs { grid-template-columns: repeat(2, minmax(0, 1fr)); } .lead li, .graph, .environment { break-inside: avoid; } .card { box-shadow: none; }
  .fold > summary { color: var(--muted); } nav.stages { display: none; }
  .place, .try, .turned, .when, .lead p, .about, .graph figcaption, .graph .fold { font-size: 10px; } .lead li:first-child .head { font-size: 20px; } .lead .head { font-size: 14px; } .lead li, .lead li:first-child { padding: 10px 12px; gap: 2px; }
  .lead li:first-child p { font-size: 11px; } h1 { font-size: 20px; } h2 { font-size: 15px; } h3 { font-size: 12px; } .axes { font-size: 9px; } .curve { height: 70px; }
}
`;
