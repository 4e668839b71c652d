export const id=9336;export const ids=[9336,2225];export const modules={9336:((e,t,n)=>{n.r(t),n.d(t,{completionScript:()=>a});var r=n(18908),i=n(22225);function a(e){return{bash:f,zsh:p,fish:g}[e]()}let o=r.oQ;function s(e){return r.W6.filter(t=>r.Pi[e].takes.includes(t))}function c(e){let{short:t}=r.L[e];return[`--${e}`,...t===void 0?[]:[`-${t}`]]}function l(e){let{values:t}=r.L[e];return t}function u(e){let{words:t,argument:n}=r.Pi[e];return e===`help`?o:t?Object.keys(t):n===void 0?void 0:`file`}let d=r.W6.filter(e=>r.L[e].type===`string`);function f(){let e=d.map(e=>{let t=l(e),n=t===`file`?`_env_actions_files "$current"`:t===void 0?`COMPREPLY=()`:`_env_actions_words "${t.join(` `)}" "$current"`;return`    ${c(e).join(` | `)}) ${n}; return ;;`}),t=o.map(e=>{let t=u(e),n=t===`file`?`; files=1`:``,r=t===void 0||t===`file`?``:`; words="${t.join(` `)}"`;return`    ${e}) options="${s(e).flatMap(c).join(` `)}"${n}${r} ;;`});return`# Completions of env-actions for bash. For this terminal: source <(env-actions completion bash)
# To keep them: env-actions completion bash > ~/.local/share/bash-completion/completions/env-actions
_env_actions_words() {
  mapfile -t COMPREPLY < <(compgen -W "$1" -- "$2")
}

_env_actions_files() {
  compopt -o filenames 2>/dev/null
  mapfile -t COMPREPLY < <(compgen -f -- "$1")
}

_env_actions() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD - 1]}
  local command="" options="" words="" files="" at
  case $previous in
${e.join(`
`)}
  esac
  for ((at = 1; at < COMP_CWORD; at++)); do
    case \${COMP_WORDS[at]} in
      ${d.flatMap(c).join(` | `)}) ((at++)) ;;
      ${o.join(` | `)}) command=\${COMP_WORDS[at]}; break ;;
    esac
  done
  case $command in
    "") words="${o.join(` `)}" ;;
${t.join(`
`)}
  esac
  if [[ $current == -* ]]; then
    _env_actions_words "$options" "$current"
  elif [[ -n $files ]]; then
    _env_actions_files "$current"
  else
    _env_actions_words "$words" "$current"
  fi
}
complete -F _env_actions env-actions
`}function p(){let e=o.map(e=>{let t=u(e),n=t===void 0?[]:t===`file`?[`'*:file:_files'`]:[`'1:word:(${t.join(` `)})'`];return`      ${e}) _arguments ${[...s(e).flatMap(t=>m(t,e)),...n].join(` `)} ;;`});return`#compdef env-actions
# Completions of env-actions for zsh. For this terminal: source <(env-actions completion zsh)
# To keep them: env-actions completion zsh > a folder of $fpath, as _env-actions
_env_actions() {
  local state
  local -a commands=(
${o.map(e=>`    ${h(`${e}:${r.Pi[e].text}`)}`).join(`
`)}
  )
  _arguments -C '1:command:->command' '*::argument:->rest'
  case $state in
    command) _describe command commands ;;
    rest)
      case $words[1] in
${e.join(`
`)}
      esac
      ;;
  esac
}
if [ "$funcstack[1]" = "_env_actions" ] || [ "$funcstack[1]" = "_env-actions" ]; then
  _env_actions "$@"
else
  compdef _env_actions env-actions
fi
`}function m(e,t){let n=(0,i.V)(e,t).replace(/[[\]:\\]/g,`\\$&`),a=l(e),o=r.L[e].type===`boolean`?``:a===`file`?`:file:_files`:a?`:value:(${a.join(` `)})`:`:value: `,{multiple:s}=r.L[e];return c(e).map(e=>h(`${s?`*`:``}${e}[${n}]${o}`))}function h(e){return`'${e.replaceAll(`'`,`'\\''`)}'`}function g(){let e=o.map(e=>`complete -c env-actions -n __fish_use_subcommand -a ${e} -d ${_(r.Pi[e].text)}`);for(let t of o){let n=`-n '__fish_seen_subcommand_from ${t}'`,a=u(t);a===`file`?e.push(`complete -c env-actions ${n} -F`):a&&e.push(`complete -c env-actions ${n} -a ${_(a.join(` `))}`);for(let a of s(t)){let{short:o}=r.L[a],s=l(a),c=r.L[a].type===`boolean`?``:s===`file`?` -r -F`:s?` -x -a ${_(s.join(` `))}`:` -x`;e.push(`complete -c env-actions ${n} -l ${a}${o===void 0?``:` -s ${o}`}${c} -d ${_((0,i.V)(a,t))}`)}}return`# Completions of env-actions for fish. For this terminal: env-actions completion fish | source
# To keep them: env-actions completion fish > ~/.config/fish/completions/env-actions.fish
complete -c env-actions -f
${e.join(`
`)}
`}function _(e){return`'${e.replace(/[\\']/g,`\\$&`)}'`}}),22225:((e,t,n)=>{n.d(t,{V:()=>c,helpOf:()=>a,usage:()=>i});var r=n(18908);function i(){let e=r.oQ.filter(e=>e!==`help`&&e!==`version`).flatMap(e=>{let{words:t,argument:n,text:i}=r.Pi[e];return t&&e===`audit`?Object.entries(t).map(([t,n])=>[`${e} ${t}`,n]):[[[e,n].filter(Boolean).join(` `),i]]}),t=r.W6.filter(e=>e!==`help`&&e!==`version`);return`env-actions <command> [options]

${u(e)}

${u(t.map(e=>[o(e),s(e)]))}

\`env-actions help COMMAND\` shows one command with its options.

Exit status: 0 passed or degraded, 1 failed, 2 usage or configuration error, 3 error: checks could not run.
`}function a(e){let{argument:t,words:n,text:i,takes:a,examples:s}=r.Pi[e];return`${[`env-actions ${[e,t,`[options]`].filter(Boolean).join(` `)}`,`${i[0]?.toUpperCase()}${i.slice(1)}.`,...n?[u(Object.entries(n))]:[],u(r.W6.filter(e=>a.includes(e)).map(t=>[o(t),c(t,e)])),...s?[s.map(([e,t])=>`  ${e}   # ${t}`).join(`
`)]:[],...e===`completion`?[]:[`Exit status: 0 passed or degraded, 1 failed, 2 usage or configuration error, 3 error: checks could not run.`]].join(`

`)}\n`}function o(e){let t=r.L[e];return`${t.short===void 0?`    `:`-${t.short}, `}--${[e,t.value].filter(Boolean).join(` `)}`}function s(e){return l(e).map(({of:e,text:t})=>e?`${e.join(`, `)}: ${t}`:t).join(`; `)}function c(e,t){let n=l(e),r=n.filter(({of:e})=>e?.includes(t)),i=[...n.filter(({of:e})=>e===void 0),...r];return(i.length>0?i:n).map(({text:e})=>e).join(`; `)}function l(e){return r.L[e].help}function u(e){let t=Math.max(...e.map(([e])=>e.length))+3;return e.map(([e,n])=>`  ${e.padEnd(t)}${n}`).join(`
`)}})};
