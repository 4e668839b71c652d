/** The text of a failure in two parts: what went wrong and the project's own calls, and the calls of runners and libraries. */
export interface Failure {
  /** Message, difference, code frame, and own calls, in their order. */
  own: string;
  /** The calls that were taken out, in their order; absent if there are none, or if there are no others. */
  others?: string;
}

/** `at f (a.ts:1:2)`, `File "a.py", line 1`, `# ./a.rb:1`, `#0 a.php(1)`, `❯ a.ts:1:2`, `a.rb:1:in 'f'`, `12: 0x… - f`, `... 9 more`. */
const call =
  /^\s*(?:at \S|File "|# \S+:\d|#\d+ \S|❯ \S+:\d|from \S+:\d|\S+\.rb:\d+:in |\d+:\s+(?:0x[\da-f]+ - )?[\w<:]+|\.\.\. \d+ (?:more|common frames))/;

/** Paths and packages of runners, libraries and the language itself. */
const foreign = new RegExp(
  [
    String.raw`[\\/( ](?:node_modules|site-packages|dist-packages|vendor|gems|_pytest|pluggy)[\\/]`,
    String.raw`\bnode:|\(native\)|[( ]<anonymous>\)?$|[( ](?:node:)?internal[\\/]|<frozen `,
    String.raw`[\\/]lib[\\/]python\d[\d.]*[\\/]|[\\/]\.cargo[\\/]registry[\\/]|[\\/]rustc[\\/]|[\\/]pkg[\\/]mod[\\/]|[\\/]go[\\/]src[\\/](?:testing|runtime)[\\/]`,
    String.raw`\bdeno\.land|\bext:|\bbun:`,
    String.raw`^\s*at (?:[\w.@]+[\\/])*(?:java|javax|jakarta|jdk|sun|kotlin|kotlinx|scala|groovy|org\.(?:junit|testng|apache|gradle|mockito|hamcrest|assertj|opentest4j|spockframework|springframework))\.`,
    String.raw`^\s*at (?:Xunit|NUnit|System|Microsoft|FluentAssertions)\.`,
    String.raw`^\s*\.\.\. \d+ `,
  ].join("|"),
);

export function isCall(line: string): boolean {
  return call.test(line);
}

/** Parts the text of a failure, so that what its reader can change comes first. Without calls of the project, all of it is `own`. */
export function failureOf(text: string): Failure {
  const lines = text.split("\n");
  const own: string[] = [];
  const others: string[] = [];
  let ownCalls = 0;
  // In Python, lines of code follow their call, further to the right.
  let indentation: number | undefined;
  for (const line of lines) {
    const calls = call.test(line);
    if (indentation !== undefined && !calls && indentOf(line) > indentation && line.trim() !== "") {
      others.push(line);
      continue;
    }
    indentation = undefined;
    if (calls && foreign.test(line)) {
      others.push(line);
      if (/^\s*File "/.test(line)) indentation = indentOf(line);
    } else {
      own.push(line);
      if (calls) ownCalls++;
    }
  }
  // Without own calls, the place of the failure is among the others.
  if (others.length === 0 || ownCalls === 0) return { own: text };
  return { own: own.join("\n").trimEnd(), others: others.join("\n") };
}

function indentOf(line: string): number {
  return line.length - line.trimStart().length;
}
