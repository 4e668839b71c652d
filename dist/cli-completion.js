export const id=9336;export const ids=[9336,2225];export const modules={9336:((e,t,n)=>{n.r(t),t.completionScript=a;var r=n(18908),i=n(22225);function a(e){return{bash:l,zsh:u,fish:p}[e](r.oQ.map(o))}function o(e){let{text:t,argument:n,names:a,words:o,takes:c}=r.Pi[e],l=e===`help`?r.oQ:o&&Object.keys(o);return{name:e,about:t,argument:l?{kind:`words`,words:l}:a?{kind:`names`,of:a}:n===void 0?void 0:{kind:`file`},options:r.W6.filter(e=>c.includes(e)).map(t=>{let{short:n,multiple:a=!1,type:o,values:c}=r.L[t];return{long:t,short:n,spellings:[`--${t}`,...n===void 0?[]:[`-${n}`]],about:(0,i.V)(t,e),repeats:a,value:o===`boolean`?void 0:s(c)}})}}function s(e){if(e===void 0)return{kind:`any`};if(e===`file`)return{kind:`file`};let t=r.c5.find(t=>t===e);return t?{kind:`names`,of:t}:{kind:`words`,words:e}}function c(e){let t=new Map;for(let{options:n}of e)for(let{long:e,spellings:r,value:i}of n)i&&t.set(e,{spellings:r,value:i});return[...t.values()]}function l(e){let t=c(e),n=e=>e.kind===`words`?`_env_actions_words "${e.words.join(` `)}" "$current"`:e.kind===`names`?`_env_actions_words "$(_env_actions_names ${e.of})" "$current"`:e.kind===`file`?`_env_actions_files "$current"`:`COMPREPLY=()`,r=t.map(({spellings:e,value:t})=>`    ${e.join(` | `)}) ${n(t)}; return ;;`),i=e.map(({name:e,argument:t,options:n})=>`    ${e}) options="${n.flatMap(({spellings:e})=>e).join(` `)}"${t?.kind===`file`?`; files=1`:``}${t?.kind===`words`?`; words="${t.words.join(` `)}"`:t?.kind===`names`?`; words="$(_env_actions_names ${t.of})"`:``} ;;`),a=e.map(({name:e})=>e);return`# Completions of env-actions for bash. For this terminal: source <(env-actions completion bash)
# To keep them: env-actions completion bash > ~/.local/share/bash-completion/completions/env-actions
_env_actions_words() {
  mapfile -t COMPREPLY < <(compgen -W "$1" -- "$2")
}

_env_actions_files() {
  compopt -o filenames 2>/dev/null
  mapfile -t COMPREPLY < <(compgen -f -- "$1")
}

_env_actions_names() {
  local config=() at
  for ((at = 1; at < COMP_CWORD - 1; at++)); do
    case \${COMP_WORDS[at]} in --config | -c) config=("\${COMP_WORDS[at + 1]}") ;; esac
  done
  "\${COMP_WORDS[0]}" completion "$1" "\${config[@]}" 2>/dev/null </dev/null
}

_env_actions() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD - 1]}
  local command="" options="" words="" files="" at
  case $previous in
${r.join(`
`)}
  esac
  for ((at = 1; at < COMP_CWORD; at++)); do
    case \${COMP_WORDS[at]} in
      ${t.flatMap(({spellings:e})=>e).join(` | `)}) ((at++)) ;;
      ${a.join(` | `)}) command=\${COMP_WORDS[at]}; break ;;
    esac
  done
  case $command in
    "") words="${a.join(` `)}" ;;
${i.join(`
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
`}function u(e){let t=e=>e.kind===`words`?`(${e.words.join(` `)})`:e.kind===`names`?`_env_actions_names ${e.of}`:e.kind===`file`?`_files`:` `,n=e.map(({name:e,argument:n,options:r})=>{let i=r.flatMap(({spellings:e,about:n,repeats:r,value:i})=>{let a=n.replace(/[[\]:\\]/g,`\\$&`),o=i?`:value:${t(i)}`:``;return e.map(e=>f(`${r?`*`:``}${e}[${a}]${o}`))}),a=n?[f(`${d[n.kind]}:${t(n)}`)]:[];return`      ${e}) _arguments ${[...i,...a].join(` `)} ;;`});return`#compdef env-actions
# Completions of env-actions for zsh. For this terminal: source <(env-actions completion zsh)
# To keep them: env-actions completion zsh > a folder of $fpath, as _env-actions
_env_actions_names() {
  local -a config
  local at=\${words[(I)(--config|-c)]}
  (( at )) && config=("\${words[at + 1]}")
  compadd "\${@[1,-2]}" -- \${(f)"$(\${env_actions_program:-env-actions} completion \${@[-1]} $config 2>/dev/null </dev/null)"}
}

_env_actions() {
  local state env_actions_program=\${(Q)words[1]}
  local -a commands=(
${e.map(({name:e,about:t})=>`    ${f(`${e}:${t}`)}`).join(`
`)}
  )
  _arguments -C '1:command:->command' '*::argument:->rest'
  case $state in
    command) _describe command commands ;;
    rest)
      case $words[1] in
${n.join(`
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
`}let d={file:`*:file`,names:`*:name`,words:`1:word`,any:`*:word`};function f(e){return`'${e.replaceAll(`'`,`'\\''`)}'`}function p(e){let t=e=>e.kind===`words`?` -a ${m(e.words.join(` `))}`:e.kind===`names`?` -a '(__env_actions_names ${e.of})'`:e.kind===`file`?` -F`:``,n=`complete -c env-actions`,r=e.map(({name:e,about:t})=>`${n} -n __fish_use_subcommand -a ${e} -d ${m(t)}`),i=e.flatMap(({name:e,argument:r,options:i})=>{let a=`${n} -n '__fish_seen_subcommand_from ${e}'`;return[...r?[`${a}${t(r)}`]:[],...i.map(({long:e,short:n,about:r,value:i})=>{let o=`-l ${e}${n===void 0?``:` -s ${n}`}`,s=i===void 0?``:`${i.kind===`file`?` -r`:` -x`}${t(i)}`;return`${a} ${o}${s} -d ${m(r)}`})]});return`# Completions of env-actions for fish. For this terminal: env-actions completion fish | source
# To keep them: env-actions completion fish > ~/.config/fish/completions/env-actions.fish
function __env_actions_names
  set -l words (commandline -opc)
  set -l config
  for at in (seq 2 (count $words))
    if contains -- $words[$at] --config -c
      set config $words[(math $at + 1)]
    end
  end
  command $words[1] completion $argv[1] $config 2>/dev/null </dev/null
end
${n} -f
${[...r,...i].join(`
`)}
`}function m(e){return`'${e.replace(/[\\']/g,`\\$&`)}'`}}),22225:((e,t,n)=>{t.V=c,t.helpOf=a,t.usage=i;var r=n(18908);function i(){let e=r.oQ.filter(e=>e!==`help`&&e!==`version`).flatMap(e=>{let{words:t,argument:n,text:i}=r.Pi[e];return t&&e===`audit`?Object.entries(t).map(([t,n])=>[`${e} ${t}`,n]):[[[e,n].filter(Boolean).join(` `),i]]}),t=r.W6.filter(e=>e!==`help`&&e!==`version`);return`env-actions <command> [options]

${u(e)}

${u(t.map(e=>[o(e),s(e)]))}

\`env-actions help COMMAND\` shows one command with its options.

Exit status: 0 passed or degraded, 1 failed, 2 usage or configuration error, 3 error: checks could not run.
`}function a(e){let{argument:t,words:n,text:i,takes:a,examples:s}=r.Pi[e],l=e===`help`||e===`version`?[`help`,`version`]:a,d=r.W6.filter(e=>l.includes(e));return`${[`env-actions ${[e,t,`[options]`].filter(Boolean).join(` `)}`,`${i[0]?.toUpperCase()}${i.slice(1)}.`,...n?[u(Object.entries(n))]:[],u(d.map(t=>[o(t),c(t,e)])),...s?[s.map(([e,t])=>`  ${e}   # ${t}`).join(`
`)]:[],...e===`completion`?[]:[`Exit status: 0 passed or degraded, 1 failed, 2 usage or configuration error, 3 error: checks could not run.`]].join(`

`)}\n`}function o(e){let t=r.L[e];return`${t.short===void 0?`    `:`-${t.short}, `}--${[e,t.value].filter(Boolean).join(` `)}`}function s(e){return l(e).map(({of:e,text:t})=>e?`${e.join(`, `)}: ${t}`:t).join(`; `)}function c(e,t){let n=l(e),r=n.filter(({of:e})=>e?.includes(t));return(r.length>0?r:n.filter(({of:e})=>e===void 0)).map(({text:e})=>e).join(`; `)}function l(e){return r.L[e].help}function u(e){let t=Math.max(...e.map(([e])=>e.length))+3;return e.map(([e,n])=>`  ${e.padEnd(t)}${n}`).join(`
`)}})};
