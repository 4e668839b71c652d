/** Text has a contrast of at least 4.5 with its background in both modes. */
const light = `
  --page: #f4f6f8; --card: #ffffff; --sunken: #f4f6f8; --line: #d5dbe1; --text: #1a2027; --muted: #55606c; --link: #0a58b0;
  --passed: #12682f; --passed-soft: #dcf5e3; --passed-bar: #2da44e;
  --degraded: #7a4b00; --degraded-soft: #fdf0cd; --degraded-bar: #d99a17;
  --failed: #a8122a; --failed-soft: #fde4e6; --failed-bar: #d1384b;
  --error: #6a35a0; --error-soft: #f0e6fb; --error-bar: #8b57c4;
  --skipped: #55606c; --skipped-soft: #e9edf1; --skipped-bar: #b4bdc7;
  --bar-1: #0f5cad; --bar-2: #6aa5e3; --bar-3: #c5dcf5; --shadow: 0 1px 2px #1a202714, 0 2px 8px #1a20270a;`;

const dark = `
  --page: #0e1217; --card: #171c23; --sunken: #10151b; --line: #2f3742; --text: #e4e9ef; --muted: #9ca7b4; --link: #7ab7ff;
  --passed: #5fd583; --passed-soft: #12301d; --passed-bar: #3fae63;
  --degraded: #ecbb4e; --degraded-soft: #352909; --degraded-bar: #c9932a;
  --failed: #ff959c; --failed-soft: #3d171c; --failed-bar: #e0515f;
  --error: #cfadff; --error-soft: #2c1d42; --error-bar: #9d71d6;
  --skipped: #9ca7b4; --skipped-soft: #242b34; --skipped-bar: #566170;
  --bar-1: #7ab7ff; --bar-2: #3f78b8; --bar-3: #26425f; --shadow: none;`;

const verdictColours = ["passed", "degraded", "failed", "error", "skipped"]
  .map(
    (verdict) => `
.pill.${verdict}, .banner.${verdict} { color: var(--${verdict}); background: var(--${verdict}-soft); }
.icon.${verdict} { color: var(--${verdict}); fill: var(--${verdict}-soft); }
.stop.${verdict} { border-top-color: var(--${verdict}-bar); }
rect.${verdict} { fill: var(--${verdict}-bar); }`,
  )
  .join("");

export const style = `
:root { color-scheme: light dark; ${light} }
@media (prefers-color-scheme: dark) { :root { ${dark} } }
*, ::before, ::after { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--text); font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
header, main, footer { max-width: 1180px; margin: 0 auto; padding: 0 24px; }
header { padding-top: 36px; }
h1, h2, h3, h4, p, ul, ol, dl, dd { margin: 0; }
h1 { font-size: 15px; font-weight: 600; color: var(--muted); letter-spacing: .02em; }
h2 { font-size: 21px; line-height: 1.25; display: flex; flex-wrap: wrap; gap: 6px 12px; align-items: center; }
h3 { font-size: 16px; margin: 30px 0 10px; }
h4 { font-size: 14px; margin: 20px 0 8px; }
a { color: var(--link); }
a:focus-visible, summary:focus-visible, pre:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; }
code, pre { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; font-size: 12.5px; }
code { overflow-wrap: anywhere; }
pre { margin: 0; padding: 12px 14px; background: var(--sunken); border: 1px solid var(--line); border-radius: 8px; overflow: auto; max-height: 26em; white-space: pre-wrap; overflow-wrap: anywhere; }
.skip { position: absolute; left: -999px; }
.skip:focus { left: 24px; top: 8px; }
.banner { margin: 10px 0 14px; padding: 20px 24px; border-radius: 14px; display: flex; gap: 18px; align-items: center; }
.banner .icon { width: 40px; height: 40px; flex: none; }
.banner strong { display: block; font-size: 26px; line-height: 1.2; letter-spacing: -.01em; }
.banner p { color: var(--text); margin-top: 4px; overflow-wrap: anywhere; }
.facts { display: flex; flex-wrap: wrap; gap: 6px 28px; color: var(--muted); font-size: 13.5px; }
.facts div { display: flex; gap: 7px; align-items: baseline; min-width: 0; }
.facts dt { flex: none; }
.facts dd { color: var(--text); overflow-wrap: anywhere; min-width: 0; }
.icon { width: 16px; height: 16px; flex: none; stroke: currentColor; stroke-width: 1.5; stroke-linecap: round; stroke-linejoin: round; }
.pill { display: inline-flex; gap: 6px; align-items: center; padding: 2px 10px 2px 6px; border-radius: 99px; font-size: 13px; font-weight: 600; white-space: nowrap; }
.gate { list-style: none; padding: 0; margin: 26px 0 8px; display: grid; grid-template-columns: repeat(auto-fit, minmax(190px, 1fr)); gap: 22px; }
.gate li { position: relative; display: flex; }
.gate li + li::before { content: ""; position: absolute; left: -15px; top: 34px; width: 8px; height: 8px; border: solid var(--muted); border-width: 2px 2px 0 0; transform: rotate(45deg); }
.stop { flex: 1; display: flex; flex-direction: column; gap: 8px; padding: 14px 16px; background: var(--card); border: 1px solid var(--line); border-top: 4px solid; border-radius: 10px; box-shadow: var(--shadow); color: inherit; text-decoration: none; min-width: 0; }
.stop.missing { border: 2px dashed var(--line); background: none; box-shadow: none; color: var(--muted); }
a.stop:hover { border-color: var(--link); }
.stop b { font-size: 16px; }
.stop .pill { align-self: flex-start; }
.stop p { font-size: 13.5px; color: var(--muted); overflow-wrap: anywhere; flex: 1; }
.stop small { color: var(--muted); font-size: 12.5px; }
.stage { margin: 26px 0; padding: 24px 28px 28px; background: var(--card); border: 1px solid var(--line); border-radius: 14px; box-shadow: var(--shadow); }
.stage > .reason { margin: 8px 0 14px; font-size: 16px; overflow-wrap: anywhere; }
table { width: 100%; border-collapse: collapse; font-size: 14px; margin: 0 0 14px; }
caption { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
th { text-align: left; font-size: 12.5px; font-weight: 600; color: var(--muted); padding: 6px 12px 6px 0; border-bottom: 1px solid var(--line); vertical-align: bottom; }
td { padding: 8px 12px 8px 0; border-bottom: 1px solid var(--line); vertical-align: top; overflow-wrap: anywhere; }
td + td:not(.numeric) { min-width: 9.6em; }
tbody tr:last-child td { border-bottom: 0; }
.numeric { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
th.numeric, td.numeric { padding-right: 22px; }
th:last-child, td:last-child, th.numeric:last-child, td.numeric:last-child { padding-right: 0; }
.lines { min-width: 11em; }
.message { color: var(--muted); font-size: 13.5px; margin-top: 2px; }
.bad { color: var(--failed); }
.warning { color: var(--degraded); }
.good { color: var(--passed); }
.bar { display: block; width: 100%; height: 10px; border-radius: 5px; background: var(--skipped-soft); overflow: hidden; }
.bar.budget { height: 5px; }
.bar.budget rect { fill: var(--muted); }
.latency { min-width: 150px; padding-top: 5px; }
.latency span { font-size: 12.5px; color: var(--muted); font-variant-numeric: tabular-nums; white-space: nowrap; }
.latency .bar { height: 7px; margin-bottom: 2px; }
.p50 { fill: var(--bar-1); } .p95 { fill: var(--bar-2); } .slowest { fill: var(--bar-3); }
rect.flaky { fill: var(--degraded-bar); }
.legend { list-style: none; padding: 0; margin: 8px 0 0; display: flex; flex-wrap: wrap; gap: 4px 20px; font-size: 14px; }
.legend li { display: flex; gap: 6px; align-items: center; }
.swatch { width: 11px; height: 11px; }
.samples { list-style: none; padding: 0; }
p + table, section > p + p { margin-top: 8px; }
p + .bar { margin-top: 8px; }
details { border: 1px solid var(--line); border-radius: 8px; margin: 8px 0; }
summary { padding: 9px 14px; cursor: pointer; overflow-wrap: anywhere; }
summary .icon { vertical-align: -3px; margin-right: 8px; }
summary .name { font-weight: 600; margin-right: 10px; }
summary .about { color: var(--muted); font-size: 13px; }
.folded { padding: 0 14px 14px; }
.notes { margin: 14px 0; padding: 12px 16px; border-radius: 8px; border-left: 4px solid var(--skipped-bar); background: var(--sunken); font-size: 14px; overflow-wrap: anywhere; }
.notes.bad { border-color: var(--failed-bar); color: inherit; }
.notes.warning { border-color: var(--degraded-bar); color: inherit; }
.notes.advice { border-color: var(--bar-1); }
.notes h4 { margin: 0 0 4px; }
.notes ul { padding-left: 20px; }
footer { padding-top: 4px; padding-bottom: 40px; color: var(--muted); font-size: 13px; }
footer h2 { font-size: 13px; margin-bottom: 8px; }
footer dl { display: grid; gap: 6px; }
footer dl div { display: grid; grid-template-columns: 104px minmax(0, 1fr); gap: 10px; align-items: baseline; }
.folded > table:last-child { margin-bottom: 0; }
${verdictColours}
@media (max-width: 1060px) {
  td + td:not(.numeric) { min-width: 0; }
  .numeric { white-space: normal; overflow-wrap: normal; }
}
@media (max-width: 800px) {
  header, main, footer { padding-left: 14px; padding-right: 14px; }
  header { padding-top: 20px; }
  .banner { padding: 16px; gap: 12px; } .banner strong { font-size: 21px; } .banner .icon { width: 30px; height: 30px; }
  .gate { grid-template-columns: 1fr; }
  .gate li + li::before { left: 50%; top: -17px; transform: rotate(135deg); }
  .stage { padding: 18px 16px; border-radius: 10px; }
  table, tbody, tr, td { display: block; width: 100%; }
  thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  tr { padding: 10px 0; border-bottom: 1px solid var(--line); }
  tbody tr:last-child { border-bottom: 0; }
  td, .numeric { padding: 3px 0; border: 0; text-align: left; white-space: normal; display: grid; grid-template-columns: 92px minmax(0, 1fr); gap: 10px; }
  td::before { content: attr(data-label); color: var(--muted); font-size: 12.5px; padding-top: 1px; }
  td > * { grid-column: 2; justify-self: start; } td > .latency { justify-self: stretch; }
  td.empty { display: none; }
  .lines { min-width: 0; }
}
@media print {
  :root { color-scheme: light; ${light} --page: #ffffff; --shadow: none; }
  body { font-size: 11px; print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  header, main, footer { max-width: none; padding: 0; }
  .stage { border: 0; padding: 0; } .stop, tr, .banner { break-inside: avoid; } h2, h3, h4 { break-after: avoid; }
  pre { max-height: none; }
  details::details-content { content-visibility: visible; block-size: auto; }
}
`;
