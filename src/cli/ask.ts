import { createInterface } from "node:readline";
import type { Answers, Question } from "../init/answers.ts";
import type { GuardedTerminal } from "./main.ts";

/** Questions of `init` on a terminal, in one or more rounds. */
export interface Asker {
  /**
   * An empty answer takes what is shown in brackets. Ctrl-D ends the questions: what is open stays open.
   * @returns undefined after Ctrl-C
   */
  ask(questions: readonly Question[]): Promise<Answers | undefined>;
  close(): void;
}

export function openAsker({ stdin, stdout }: GuardedTerminal): Asker {
  const input = stdin?.();
  if (!input) return { ask: async () => ({}), close: () => undefined };
  const terminal = createInterface({ input, output: stdout });
  let [isStopped, isClosed] = [false, false];
  terminal.once("close", () => {
    isClosed = true;
  });
  terminal.on("SIGINT", () => {
    isStopped = true;
    terminal.close();
  });
  // Not `question`, which loses the lines that were typed ahead.
  const lines = terminal[Symbol.asyncIterator]();
  /** @returns undefined at the end of the input; nothing in `value` if the question stays open */
  const answerTo = async ({ name, text, proposal, read, expected }: Question): Promise<{ value?: string } | undefined> => {
    const without = name === "production" ? "none" : "later";
    terminal.setPrompt(`${text} [${proposal ?? without}]: `);
    for (;;) {
      // The last lines may still be waiting when the input has ended.
      if (!isClosed) terminal.prompt();
      const { value: said, done } = await lines.next();
      if (done) return undefined;
      const given = said.trim() || proposal;
      if (given === undefined || given === without) return {};
      const value = read(given);
      if (value !== undefined) return { value };
      stdout.write(`  expected ${expected}\n`);
    }
  };
  return {
    async ask(questions) {
      const answers: Answers = {};
      for (const question of questions) {
        const answer = await answerTo(question);
        if (!answer) break;
        if (answer.value !== undefined) answers[question.name] = answer.value;
      }
      return isStopped ? undefined : answers;
    },
    close: () => terminal.close(),
  };
}
