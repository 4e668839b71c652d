import { messageOf, stackOf } from "../reported.ts";
import { unknownStatusMessage } from "./json-document.ts";

/** What the formats of .NET have in common. */

export interface Place {
  file?: string;
  line?: number;
}

const sourceLine = /\.(?:cs|vb|fs|razor|feature)(?::\D{0,12}|\()(\d+)/i;
const rootedPath = /(?<![\w.])(?:[a-z]:[\\/]|[\\/])/i;

/** `in C:\src\Tests.cs:line 12`; the words depend on the system's language. Mono and older xUnit.net write it otherwise. */
function placeIn(line: string): Place | undefined {
  const found = sourceLine.exec(line);
  if (!found) return undefined;
  const end = line.slice(0, found.index).concat(/^\.\w+/.exec(found[0])?.[0] ?? "");
  const start = rootedPath.exec(end)?.index ?? end.lastIndexOf(" ") + 1;
  return { file: end.slice(start), line: Number(found[1]) };
}

/** Builds on servers write this in place of the repository's folder. */
const repository = /^\/_\//;

/** Where a stack left the class of the test. */
export function placeOf(stack: string, className: string | undefined): Place {
  if (!className) return {};
  const call = `${className.replaceAll("+", ".")}.`;
  for (const line of stack.split("\n", 200)) {
    const place = line.includes(call) ? placeIn(line.slice(0, 2_000)) : undefined;
    if (place?.file) return { ...place, file: place.file.replace(repository, "") };
  }
  return {};
}

export interface Failure {
  message: string;
  stack: string;
}

/**
 * The texts of a failed test. The whole message stands before the stack, because the message itself is cut.
 * @param word of an unknown status, which is all there may be to say
 */
export function textsOf(failure: Failure, word?: string): { message: string; stack: string } {
  const message = failure.message.replaceAll("\r\n", "\n");
  const stack = failure.stack.replaceAll("\r\n", "\n");
  const text = [message, stack].filter((part) => part.trim() !== "").join("\n");
  const otherwise = word === undefined ? "the report gives no message" : unknownStatusMessage(word);
  return { message: messageOf(message.trim() ? message : stack) || otherwise, stack: stackOf(text) };
}

/** `C:\build\bin\Tests.dll` is the assembly `Tests`. */
export function assemblyOf(path: string | undefined): string | undefined {
  return (
    path
      ?.split(/[\\/]/)
      .at(-1)
      ?.replace(/\.(?:dll|exe)$/i, "") || undefined
  );
}

/** A full name is cut after the class. */
export function titlesOf(className: string, name: string): string[] {
  if (className === "") return [name];
  return [className, name.startsWith(`${className}.`) ? name.slice(className.length + 1) : name];
}
