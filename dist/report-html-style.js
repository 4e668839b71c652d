export const id=1955;export const ids=[1955];export const modules={97989:((e,t,n)=>{n.d(t,{BB:()=>r,XT:()=>i,Zf:()=>a});let r=`
  --page: #f4f6f8; --card: #ffffff; --sunken: #f4f6f8; --line: #d5dbe1; --text: #1a2027; --muted: #55606c; --link: #0a58b0;
  --passed: #12682f; --passed-soft: #dcf5e3; --passed-bar: #2da44e;
  --degraded: #7a4b00; --degraded-soft: #fdf0cd; --degraded-bar: #d99a17;
  --failed: #a8122a; --failed-soft: #fde4e6; --failed-bar: #d1384b;
  --error: #6a35a0; --error-soft: #f0e6fb; --error-bar: #8b57c4;
  --skipped: #55606c; --skipped-soft: #e9edf1; --skipped-bar: #b4bdc7;
  --bar-1: #0f5cad; --bar-2: #6aa5e3; --bar-3: #c5dcf5; --start: #c58a12; --tests: #3f7fc4; --made: #7b8794; --gone: #12805c; --shadow: 0 1px 2px #1a202714, 0 2px 8px #1a20270a;`,i=`
  --page: #0e1217; --card: #171c23; --sunken: #10151b; --line: #2f3742; --text: #e4e9ef; --muted: #9ca7b4; --link: #7ab7ff;
  --passed: #5fd583; --passed-soft: #12301d; --passed-bar: #3fae63;
  --degraded: #ecbb4e; --degraded-soft: #352909; --degraded-bar: #c9932a;
  --failed: #ff959c; --failed-soft: #3d171c; --failed-bar: #e0515f;
  --error: #cfadff; --error-soft: #2c1d42; --error-bar: #9d71d6;
  --skipped: #9ca7b4; --skipped-soft: #242b34; --skipped-bar: #566170;
  --bar-1: #7ab7ff; --bar-2: #3f78b8; --bar-3: #26425f; --start: #d9a53a; --tests: #5d9fe0; --made: #8b98a6; --gone: #35b58a; --shadow: none;`,a=[`passed`,`degraded`,`failed`,`error`,`skipped`].map(e=>`
.pill.${e}, .banner.${e} { color: var(--${e}); background: var(--${e}-soft); }
.icon.${e} { color: var(--${e}); fill: var(--${e}-soft); }
a.stop.${e} { border-bottom-color: var(--${e}-bar); }
details.stage.${e} { border-left-color: var(--${e}-bar); }
rect.${e}, .bar-${e} { fill: var(--${e}-bar); }`).join(``)}),58222:((e,t,n)=>{n.d(t,{EC:()=>p,Io:()=>u,Kk:()=>l,TM:()=>d,VK:()=>i,aY:()=>f,qy:()=>a,s6:()=>s});var r=n(68212);class i{text;constructor(e){this.text=e}}function a(e,...t){return new i(e.map((e,n)=>e+o(t[n])).join(``))}function o(e){return e===void 0?``:e instanceof i?e.text:typeof e==`string`?(0,r.js)(e):typeof e==`number`?String(e):e.map(o).join(``)}let s=new i(``),c={passed:`<circle cx="8" cy="8" r="7"/><path d="m4.8 8.3 2.2 2.2 4.3-4.6"/>`,degraded:`<path d="M8 1.4 15.2 14H.8Z"/><path d="M8 6v3.6M8 11.6v.1"/>`,failed:`<circle cx="8" cy="8" r="7"/><path d="m5.4 5.4 5.2 5.2m0-5.2-5.2 5.2"/>`,error:`<path d="M5.1 1h5.8L15 5.1v5.8L10.9 15H5.1L1 10.9V5.1Z"/><path d="M6.2 6.3a1.9 1.9 0 1 1 2.6 1.8c-.5.2-.8.5-.8 1.2M8 11.6v.1"/>`,skipped:`<circle cx="8" cy="8" r="7"/><path d="M5 8h6"/>`};function l(e){return new i(`<svg class="icon ${e}" viewBox="0 0 16 16" aria-hidden="true">${c[e]}</svg>`)}function u(e){return a`<span class="pill ${e}">${l(e)}${e}</span>`}function d(e,t,n=!1){return a`<details class="fold"${n?a` open`:s}><summary>${e}</summary><div class="folded">${t}</div></details>\n`}function f(e){return e===void 0||e===``?s:a`<code>${e}</code>`}function p(e,t){return a`<pre class="scrolled" tabindex="0" role="group" aria-label="${t}">${e}</pre>`}}),53473:((e,t,n)=>{n.d(t,{i:()=>o});var r=n(84972),i=n(97989);let a=r.xF.map(e=>`.results:has(> .filter input[value="${e}"]:checked) :is(.part, .file):not(.has-${e}), .results:has(> .filter input[value="${e}"]:checked) .test:not(.${e}) { display: none; }`).join(`
`),o=`
:root { color-scheme: light dark; ${i.BB} }
@media (prefers-color-scheme: dark) { :root { ${i.XT} } }
*, ::before, ::after { box-sizing: border-box; }
html { scroll-padding-top: 62px; }
body { margin: 0; background: var(--page); color: var(--text); font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
header, main, footer, .gate { max-width: 1120px; margin: 0 auto; padding: 0 24px; }
header { padding-top: 28px; }
h1, h2, h3, h4, p, ul, ol, dl, dd, figure, fieldset { margin: 0; }
h1 { font-size: 26px; line-height: 1.2; letter-spacing: -.01em; }
h2 { font-size: 19px; line-height: 1.3; }
h3 { font-size: 16px; margin: 36px 0 12px; }
.inside > h3:first-child { margin-top: 20px; }
h4 { font-size: 14px; margin: 24px 0 8px; }
a { color: var(--link); }
a:focus-visible, summary:focus-visible, pre:focus-visible, .filter :focus-visible + span { outline: 2px solid var(--link); outline-offset: 2px; }
code, pre { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; font-size: 12.5px; }
code { overflow-wrap: anywhere; }
pre { margin: 0; white-space: pre-wrap; overflow-wrap: anywhere; }
.scrolled { padding: 12px 14px; background: var(--sunken); border: 1px solid var(--line); border-radius: 8px; overflow: auto; max-height: 26em; }
.skip { position: absolute; left: -999px; }
.skip:focus { left: 24px; top: 8px; z-index: 3; background: var(--card); padding: 4px 8px; }
.kicker { font-size: 13px; font-weight: 600; color: var(--muted); letter-spacing: .02em; }
.banner { margin: 8px 0 16px; padding: 20px 24px; border-radius: 14px; display: flex; gap: 18px; align-items: flex-start; }
.banner .icon { width: 34px; height: 34px; flex: none; }
.banner div { min-width: 0; }
.banner p { color: var(--text); margin-top: 6px; overflow-wrap: anywhere; }
.icon { width: 16px; height: 16px; flex: none; stroke: currentColor; stroke-width: 1.5; stroke-linecap: round; stroke-linejoin: round; }
.pill { display: inline-flex; gap: 6px; align-items: center; padding: 2px 10px 2px 6px; border-radius: 99px; font-size: 13px; font-weight: 600; white-space: nowrap; }
nav.stages { position: sticky; top: 0; z-index: 2; background: var(--page); border-bottom: 1px solid var(--line); }
.gate { list-style: none; display: flex; flex-wrap: wrap; gap: 0 6px; }
.gate li { flex: none; display: flex; position: relative; }
.stop { display: flex; gap: 7px; align-items: center; padding: 12px 12px 9px; border-bottom: 3px solid transparent; color: inherit; text-decoration: none; font-size: 14px; white-space: nowrap; }
.stop .verdict, .stop.missing { color: var(--muted); }
.stop.missing { border-bottom: 3px dashed var(--line); }
a.stop:hover { background: var(--card); }
.gate .more { margin-left: auto; }
.card, .stage { margin: 18px 0; background: var(--card); border: 1px solid var(--line); border-radius: 12px; box-shadow: var(--shadow); }
.card { padding: 20px 24px; }
.stage { border-left: 4px solid var(--line); }
summary { cursor: pointer; overflow-wrap: anywhere; }
.stage > summary { padding: 16px 24px; display: flex; flex-wrap: wrap; gap: 4px 12px; align-items: center; list-style: none; position: relative; }
.stage > summary::-webkit-details-marker, .test > summary::-webkit-details-marker { display: none; }
.stage > summary::after { content: ""; width: 8px; height: 8px; border: solid var(--muted); border-width: 0 2px 2px 0; transform: rotate(45deg) translate(-2px, -2px); order: 3; }
.stage[open] > summary::after { transform: rotate(225deg) translate(-2px, -2px); }
.stage .time { margin-left: auto; color: var(--muted); font-size: 13.5px; font-variant-numeric: tabular-nums; order: 2; }
.stage .reason { flex-basis: 100%; color: var(--muted); font-size: 14px; order: 4; }
.inside { padding: 0 24px 24px; border-top: 1px solid var(--line); scroll-margin-top: 130px; }
.facts { display: flex; flex-wrap: wrap; gap: 6px 28px; color: var(--muted); font-size: 13.5px; }
.facts div { display: flex; gap: 7px; align-items: baseline; min-width: 0; }
.facts dt { flex: none; }
.facts dd { color: var(--text); overflow-wrap: anywhere; min-width: 0; }
table { width: 100%; border-collapse: collapse; font-size: 14px; margin: 0 0 14px; }
caption { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
th { text-align: left; font-size: 12.5px; font-weight: 600; color: var(--muted); padding: 6px 12px 6px 0; border-bottom: 1px solid var(--line); vertical-align: bottom; }
td { padding: 8px 12px 8px 0; border-bottom: 1px solid var(--line); vertical-align: top; overflow-wrap: anywhere; }
td + td:not(.numeric) { min-width: 9.6em; }
tbody tr:last-child td { border-bottom: 0; }
.numeric { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.nowrap { white-space: nowrap; font-variant-numeric: tabular-nums; }
th.numeric, td.numeric { padding-right: 22px; }
th:last-child, td:last-child, th.numeric:last-child, td.numeric:last-child { padding-right: 0; }
.lines { min-width: 11em; }
.message { color: var(--muted); font-size: 13.5px; margin-top: 2px; }
.bad { color: var(--failed); }
.warning { color: var(--degraded); }
.good { color: var(--passed); }
.note { color: var(--muted); font-size: 13px; margin-top: 8px; }
.bar { display: block; width: 100%; height: 10px; border-radius: 5px; background: var(--skipped-soft); overflow: hidden; }
rect.flaky { fill: var(--degraded-bar); }
.legend { list-style: none; padding: 0; margin: 8px 0 0; display: flex; flex-wrap: wrap; gap: 4px 20px; font-size: 14px; font-variant-numeric: tabular-nums; }
.legend li { display: flex; gap: 6px; align-items: center; }
.legend .none { color: var(--muted); }
.swatch { width: 11px; height: 11px; flex: none; }
.swatch.wide { width: 20px; height: 20px; }
.samples { list-style: none; padding: 0; }
p + table, .inside > p + p { margin-top: 8px; }
p + .bar { margin-top: 8px; }
.fold { border: 1px solid var(--line); border-radius: 8px; margin: 8px 0; }
.fold > summary { padding: 8px 14px; }
.folded { padding: 0 14px 14px; }
.quiet { border-top: 1px solid var(--line); }
p + .quiet, table + .quiet, .fold + .quiet, .results + .quiet { margin-top: 20px; }
.quiet > summary { padding: 12px 0; }
.quiet > summary:hover { background: var(--sunken); }
.quiet h3 { display: inline; margin: 0 8px 0 2px; }
.quiet > .folded { padding: 4px 0 20px; }
.results { margin-bottom: 24px; }
.folded > table:last-child { margin-bottom: 0; }
.about { color: var(--muted); font-size: 13px; font-weight: 400; }
.filter { border: 0; padding: 0; margin: 16px 0 0; display: none; flex-wrap: wrap; gap: 6px; align-items: center; min-width: 0; }
@supports selector(:has(*)) { .filter { display: flex; } }
.filter legend { float: left; padding: 0; margin-right: 6px; color: var(--muted); font-size: 13px; line-height: 30px; }
.filter label { position: relative; cursor: pointer; }
.filter input { position: absolute; opacity: 0; inset: 0; margin: 0; cursor: pointer; }
.filter span { display: block; padding: 3px 12px; border: 1px solid var(--line); border-radius: 99px; font-size: 13px; }
.filter input:checked + span { border-color: var(--link); color: var(--link); box-shadow: inset 0 0 0 1px var(--link); }
${a}
.file { margin: 10px 0 0; border: 1px solid var(--line); border-radius: 8px; }
.file > summary { padding: 8px 14px; background: var(--sunken); border-radius: 8px; }
.file[open] > summary { border-radius: 8px 8px 0 0; border-bottom: 1px solid var(--line); }
.file .path { margin-right: 8px; } .path code { word-break: break-all; }
.test + .test { border-top: 1px solid var(--line); }
.test > summary { padding: 10px 14px; display: flex; gap: 10px; list-style: none; }
p.test { padding: 6px 14px 6px 40px; }
.test > summary .icon { margin-top: 3px; }
.test > summary:hover, .fold > summary:hover { background: var(--sunken); }
.head { min-width: 0; }
.name { font-weight: 600; margin-right: 6px; }
.first { display: block; color: var(--text); font-size: 13.5px; white-space: nowrap; overflow: hidden; text-overflow: ellipsis; }
.test[open] > summary .first { display: none; }
.account { padding: 0 14px 14px 40px; }
.account pre + pre, .account .more + pre { margin-top: 6px; }
.account pre { padding: 8px 12px; border-radius: 6px; background: var(--sunken); }
.first-said { border-left: 3px solid var(--failed-bar); }
.errored .first-said, .unknown .first-said { border-color: var(--error-bar); }
.quarantined .first-said { border-color: var(--degraded-bar); }
.account .source { white-space: pre; overflow-wrap: normal; overflow-x: auto; }
.account .calls { color: var(--muted); }
.account .more > summary { padding: 4px 0; color: var(--muted); font-size: 13px; }
.removed { color: var(--failed); }
.added { color: var(--passed); }
.notes { margin: 14px 0; padding: 12px 16px; border-radius: 8px; border-left: 4px solid var(--skipped-bar); background: var(--sunken); font-size: 14px; overflow-wrap: anywhere; }
.notes.bad { border-color: var(--failed-bar); color: inherit; }
.notes.warning { border-color: var(--degraded-bar); color: inherit; }
.notes.advice { border-color: var(--bar-1); }
.notes h4 { margin: 0 0 4px; }
.notes ul { padding-left: 20px; }
.chart { margin: 0 0 20px; }
.chart h4 { margin-top: 0; }
.lanes { list-style: none; padding: 0; margin: 10px 0 6px; display: grid; grid-template-columns: minmax(120px, 26%) minmax(0, 1fr) auto; gap: 0 16px; }
.dots .lanes { grid-template-columns: minmax(120px, 26%) minmax(0, 1fr) auto auto; }
.lane { display: grid; grid-template-columns: subgrid; grid-column: 1 / -1; align-items: center; font-size: 13.5px; }
.lane .label { overflow-wrap: anywhere; display: flex; gap: 6px; align-items: center; min-width: 0; }
.dots .lane { min-height: 26px; }
.lane b { display: inline-flex; gap: 6px; align-items: center; }
.lane .part { color: var(--muted); padding-left: 22px; }
.lane .value { color: var(--muted); font-variant-numeric: tabular-nums; text-align: right; font-size: 13px; }
.lane.whole .value { color: var(--text); }
.lane.whole { margin-top: 6px; }
.lane .verdict { color: var(--muted); white-space: nowrap; }
.plot { display: block; width: 100%; height: 20px; overflow: visible; }
.plot text { fill: var(--muted); font-size: 11.5px; }
.grid { stroke: var(--line); stroke-width: 1; }
.break { fill: var(--skipped-soft); }
.bar-starting { fill: var(--start); } .bar-running { fill: var(--start); opacity: .35; } .bar-tests { fill: var(--tests); }
.bar-created { fill: var(--made); } .bar-deletion, .bar-deleted { fill: var(--gone); }
.bar-left { fill: var(--failed-bar); stroke: var(--failed); stroke-width: 2; }
.bar-unknown { fill: none; stroke: var(--error-bar); stroke-width: 2; stroke-dasharray: 4 3; }
.bar-planned { fill: none; stroke: var(--gone); stroke-width: 2; }
.base { stroke: var(--line); } .spread { stroke: var(--bar-2); stroke-width: 2; }
.p50 { fill: var(--bar-1); } .p95 { fill: var(--bar-2); stroke: var(--bar-1); stroke-width: 1.5; }
.slowest { fill: var(--card); stroke: var(--bar-1); stroke-width: 2; }
.limit { stroke: var(--failed); stroke-width: 2; stroke-dasharray: 3 2; }
.sample { fill: var(--bar-1); opacity: .45; } .band { fill: var(--bar-2); opacity: .35; }
.over { fill: var(--failed-soft); opacity: .5; }
.steps { list-style: none; padding: 0; margin: 0 0 14px; display: flex; flex-wrap: wrap; gap: 10px 44px; }
.steps li { position: relative; display: flex; flex-direction: column; font-variant-numeric: tabular-nums; }
.steps li + li::before { content: "→"; position: absolute; left: -30px; bottom: 0; color: var(--muted); }
.steps span { color: var(--muted); font-size: 12.5px; }
.steps b { font-size: 16px; }
footer { padding-top: 12px; padding-bottom: 48px; color: var(--muted); font-size: 13px; }
footer h2 { font-size: 13px; margin-bottom: 8px; }
footer dl { display: grid; gap: 6px; }
footer dl div { display: grid; grid-template-columns: 104px minmax(0, 1fr); gap: 10px; align-items: baseline; }
${i.Zf}
@media print, (max-width: 1060px) {
  td + td:not(.numeric) { min-width: 0; }
  .numeric { white-space: normal; overflow-wrap: normal; }
}
@media screen and (max-width: 800px) {
  header, main, footer, .gate { padding-left: 14px; padding-right: 14px; }
  header { padding-top: 16px; }
  .banner { padding: 16px; gap: 12px; } h1 { font-size: 21px; } .banner .icon { width: 26px; height: 26px; }
  html { scroll-padding-top: 90px; }
  .gate { padding-left: 8px; gap: 0 2px; }
  .stop { padding: 10px 6px 7px; gap: 4px; font-size: 13px; } .stop b { font-weight: 500; }
  .stop .verdict { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  .card, .stage > summary { padding: 14px 16px; } .inside { padding: 0 16px 18px; }
  .stage .time { margin-left: 0; flex-basis: 100%; order: 4; } .stage > summary::after { margin-left: auto; }
  .account { padding-left: 14px; }
  .lanes { grid-template-columns: minmax(0, 1fr) auto; gap: 0 10px; }
  .dots .lanes { grid-template-columns: minmax(0, 1fr) auto; }
  .lane .plot { grid-column: 1 / -1; grid-row: 2; } .limit-text { grid-column: 1 / -1; }
  .lane .label { display: block; overflow-wrap: break-word; } .lane b { display: inline; } .lane .icon { vertical-align: -3px; margin-right: 6px; }
  .lane { margin-bottom: 4px; } .lane .part { padding-left: 0; }
  .steps { gap: 10px 32px; } .steps li + li::before { left: -24px; }
  table, tbody, tr, td { display: block; width: 100%; }
  thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  tr { padding: 10px 0; border-bottom: 1px solid var(--line); }
  tbody tr:last-child { border-bottom: 0; }
  td, .numeric { padding: 3px 0; border: 0; text-align: left; white-space: normal; display: grid; grid-template-columns: 92px minmax(0, 1fr); gap: 10px; }
  td::before { content: attr(data-label); color: var(--muted); font-size: 12.5px; padding-top: 1px; }
  td > * { grid-column: 2; justify-self: start; }
  td.empty { display: none; }
  .lines { min-width: 0; }
}
@media print {
  :root { color-scheme: light; ${i.BB} --page: #ffffff; --shadow: none; }
  table, .notes, .legend, .lane, .facts { font-size: 10.5px; } code, pre { font-size: 9.5px; }
  th, .message, .about, .note, .first, .pill, .stage .time, .lane .value, .account .more > summary { font-size: 10px; }
  body { font-size: 11px; print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  header, main, footer, .gate { max-width: none; padding-left: 0; padding-right: 0; }
  nav.stages { position: static; } .gate .more, .skip, .filter { display: none; }
  .card, .stage { border-radius: 0; } .card, .inside, .stage > summary { padding-left: 12px; padding-right: 12px; }
  .stage > summary::after { display: none; }
  .banner, tr, .lane, .steps, .legend, .notes li { break-inside: avoid; }
  h2, h3, h4, summary, figcaption, thead, caption { break-after: avoid; }
  .timeline { break-inside: avoid; }
  .account .source { white-space: pre-wrap; }
  .stop .verdict { position: static; width: auto; height: auto; clip-path: none; }
  .scrolled { max-height: none; overflow: visible; }
  .first { white-space: normal; }
  details::details-content { content-visibility: visible; block-size: auto; }
}
`}),33507:((e,t,n)=>{n.d(t,{J:()=>i,t:()=>a});var r=n(58222);function i(e,t,n){return(0,r.qy)`<table role="table"><caption>${e}</caption>
<thead role="rowgroup"><tr role="row">${t.map(({title:e,numeric:t})=>(0,r.qy)`<th role="columnheader" scope="col" class="${o(t)}">${e}</th>`)}</tr></thead>
<tbody role="rowgroup">${n}</tbody></table>`}function a(e,t){return(0,r.qy)`<tr role="row">${e.map(({title:e,numeric:n},i)=>(0,r.qy)`<td role="cell" class="${o(n)}${t[i]===void 0?` empty`:``}" data-label="${e}">${t[i]}</td>`)}</tr>\n`}function o(e){return e?`numeric`:``}}),84972:((e,t,n)=>{n.d(t,{Im:()=>o,Vl:()=>a,xF:()=>r,xo:()=>i});let r=[`failed`,`errored`,`unknown`,`crashed`,`quarantined`,`flaky`],i={"list of slowest tests":`lists of slowest tests`,timeline:`timelines`,"list of SQL statements":`lists of SQL statements`,"list of test reports":`lists of test reports`,"table of tests by file":`tables of tests by file`,"table of tests by project":`tables of tests by project`,"list of attachments":`lists of attachments`,"stack of a failed test":`stacks of failed tests`,"output of a server or command":`outputs of servers and commands`,"list of ignored differences":`lists of ignored differences`,"list of flaky tests":`lists of flaky tests`,"table of the score":`tables of the score`,"passed check":`passed checks`,"table of critical tests":`tables of critical tests`,"list of quarantined tests":`lists of quarantined tests`,note:`notes`,"message of a failed test":`messages of failed tests`,"message of a crashed suite":`messages of test files that could not be loaded`,"row of test data":`rows of test data`,"row of the books":`rows of the books`,"table of servers or commands":`tables of servers or commands`,"table of facts":`tables of facts`,alert:`alerts`,"step of a plan":`steps of a plan`,"table of facets":`tables of facets`,difference:`differences`,"changed real row":`changed real rows`,problem:`problems`,check:`checks`,"place of a failed test":`places of failed tests`,"name of a crashed suite":`names of test files that could not be loaded`,"name of a failed test":`names of failed tests`,"list of frequent messages":`lists of frequent messages`};function a({columns:e,rows:t},{details:n}){return e.map((e,t)=>({...e,at:t})).filter(({detail:e,at:r})=>(n||!e)&&t.some(({cells:e})=>!o(e[r])))}function o(e){return e===void 0||e===``||typeof e==`object`&&`samples`in e&&e.samples.length===0}})};
