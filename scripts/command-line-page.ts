import { usage } from "../src/cli/help.ts";

/** `docs/reference/cli.md`: the program's help text with an introduction. */
export function commandLinePage(): string {
  return `# Command line

<!-- Generated from the help text by scripts/command-line-page.ts: edit there. -->

You need Node 22 or later. Install the release that your workflow uses, which its \`uses:\` names after the \`@\`. Then run it with
\`npx --no-install\`, which never asks the npm registry:

\`\`\`sh
npm i -D env-actions@github:classwaves/env-actions#v1 # once; or the SHA or tag that the workflow names. In a checkout that has it: npm ci
npx --no-install env-actions init
npx --no-install env-actions preflight --environment sandbox
\`\`\`

The package has no dependencies and no install scripts. Credentials come from environment variables, the same as in the workflow.

## Commands and options

\`\`\`text
${usage().trimEnd()}
\`\`\`

\`env-actions help\` prints this text, and so does \`--help\`. \`env-actions help cleanup\` and \`env-actions cleanup --help\` show one command with its options.
\`env-actions version\` prints the version. An option that a command would ignore is an error. Colours appear on terminals only; \`NO_COLOR=1\` turns them
off, \`FORCE_COLOR=1\` on. With \`--quiet\`, only the verdict is printed, and what did not pass.

\`env-actions completion bash\` prints completions for your shell (also \`zsh\` and \`fish\`). Its first lines say how to keep them. They complete the command
\`env-actions\`, so it must be on your PATH: \`PATH="$PWD/node_modules/.bin:$PATH"\`.

## Exit status

| Status | Meaning | What to do |
| --- | --- | --- |
| 0 | \`passed\` or \`degraded\` | Read the warnings of a degraded stage |
| 1 | \`failed\`: a check ran and found a problem | Read the failed checks. For \`tables --check\`: declare what is missing. For \`doctor\`: do what each finding says |
| 2 | A mistake in the options, the configuration or the report that you named | The message names file, line and column, and what to write instead |
| 3 | \`error\`: a check could not run | Repair the connection or the credential, then run it again |
| 130 | You pressed Ctrl-C twice, or once at a question of \`init\` | Run the command that was printed: it deletes what is left. \`init\` has written nothing |

\`gate\` ends with 1 if any stage failed, otherwise with 3 if any stage ended in an error. \`undo\` ends with 1 if it could not restore all rows of
a table. \`repair\` ends with 1 if an old value cannot be put back. \`audit verify\` and \`audit report\` end with 1 if the log was changed or cut.
\`init\` ends with 1 if files exist and differ from what it would write.
\`history\` ends with 0 also if the history is empty.
\`doctor\` ends with 1 if it found something, otherwise with 3 if nothing was checked, or something that was wanted could not be looked at.

## Examples

\`\`\`sh
npx --no-install env-actions gate --environment sandbox --production production
npx --no-install env-actions cleanup --scope expired            # shows what it would delete
npx --no-install env-actions cleanup --scope expired --execute  # deletes it
npx --no-install env-actions tables --check                     # fails if the warehouse has a table that nobody declared
npx --no-install env-actions doctor                             # finds mistakes in the configuration and the workflows
npx --no-install env-actions audit verify --head 42:1f0d…       # fails if the log no longer has that line
\`\`\`

In a terminal, \`preflight\` begins a gate run, and the stages after it belong to it. \`--json\` writes the report to standard output and progress to
standard error.

Press Ctrl-C to stop what was started and to delete this run's test data. Press it again to exit immediately: env-actions then lists, table by
table, what may not be deleted yet, and the command that deletes it.
`;
}
