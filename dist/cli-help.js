export const id=2225;export const ids=[2225];export const modules={22225:((e,t,n)=>{t.V=c,t.helpOf=a,t.usage=i;var r=n(18908);function i(){let e=r.oQ.filter(e=>e!==`help`&&e!==`version`).flatMap(e=>{let{words:t,argument:n,text:i}=r.Pi[e];return t&&e===`audit`?Object.entries(t).map(([t,n])=>[`${e} ${t}`,n]):[[[e,n].filter(Boolean).join(` `),i]]}),t=r.W6.filter(e=>e!==`help`&&e!==`version`);return`env-actions <command> [options]

${u(e)}

${u(t.map(e=>[o(e),s(e)]))}

\`env-actions help COMMAND\` shows one command with its options.

Exit status: 0 passed or degraded, 1 failed, 2 usage or configuration error, 3 error: checks could not run.
`}function a(e){let{argument:t,words:n,text:i,takes:a,examples:s}=r.Pi[e],l=e===`help`||e===`version`?[`help`,`version`]:a,d=r.W6.filter(e=>l.includes(e));return`${[`env-actions ${[e,t,`[options]`].filter(Boolean).join(` `)}`,`${i[0]?.toUpperCase()}${i.slice(1)}.`,...n?[u(Object.entries(n))]:[],u(d.map(t=>[o(t),c(t,e)])),...s?[s.map(([e,t])=>`  ${e}   # ${t}`).join(`
`)]:[],...e===`completion`?[]:[`Exit status: 0 passed or degraded, 1 failed, 2 usage or configuration error, 3 error: checks could not run.`]].join(`

`)}\n`}function o(e){let t=r.L[e];return`${t.short===void 0?`    `:`-${t.short}, `}--${[e,t.value].filter(Boolean).join(` `)}`}function s(e){return l(e).map(({of:e,text:t})=>e?`${e.join(`, `)}: ${t}`:t).join(`; `)}function c(e,t){let n=l(e),r=n.filter(({of:e})=>e?.includes(t));return(r.length>0?r:n.filter(({of:e})=>e===void 0)).map(({text:e})=>e).join(`; `)}function l(e){return r.L[e].help}function u(e){let t=Math.max(...e.map(([e])=>e.length))+3;return e.map(([e,n])=>`  ${e.padEnd(t)}${n}`).join(`
`)}})};
