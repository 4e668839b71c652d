import type { CommandReport, ServerReport } from "../../model/report.ts";
import { inlineCode, inlineText, tableCell } from "../inert.ts";
import { commandEnd, cut, duration } from "../words.ts";
import { foldedOutput, table } from "./blocks.ts";
import type { Part } from "./budget.ts";

const longestText = 500;

export function processParts(servers: readonly ServerReport[], commands: readonly CommandReport[]): Part[] {
  if (servers.length === 0 && commands.length === 0) return [];
  return [
    { text: "### Servers and commands\n\n" },
    ...(servers.length > 0 ? [droppable(serverTable(servers))] : []),
    ...(commands.length > 0 ? [droppable(commandTable(commands))] : []),
    ...[
      ...servers.map(({ name, tail }) => output(name, tail)),
      ...commands.map(({ command, tail }) => output(command, tail)),
    ].flat(),
  ];
}

function serverTable(servers: readonly ServerReport[]): string {
  const rows = servers.map((server) => [
    inlineText(cut(server.name, longestText)),
    server.readyMs === undefined ? "❌ never" : duration(server.readyMs),
    tableCell(cut(server.ended, longestText)),
    port(server),
    log(server.log),
  ]);
  return table(["Server", "Ready after", "Ended", "Port", "Log"], rows);
}

function port({ port, portFreed }: ServerReport): string {
  if (port === undefined) return "";
  if (portFreed === undefined) return String(port);
  return portFreed ? `${port}, free again` : `❌ ${port} is still taken`;
}

function commandTable(commands: readonly CommandReport[]): string {
  const rows = commands.map((command) => [
    inlineCode(cut(command.command, longestText)),
    commandEnd(command),
    duration(command.durationMs),
    log(command.log),
  ]);
  return table(["Command", "Ended", "Took", "Log"], rows);
}

function log(path: string | undefined): string {
  return path === undefined ? "" : inlineCode(cut(path, longestText));
}

function output(name: string, tail: readonly string[] | undefined): Part[] {
  if (!tail || tail.length === 0) return [];
  const text = foldedOutput(
    `Last lines of ${inlineText(cut(name, longestText))}`,
    tail.map((line) => cut(line, 2_000)),
  );
  return [{ text, shorter: [{ text: "", loses: "output of a server or command" }] }];
}

function droppable(text: string): Part {
  return { text, shorter: [{ text: "", loses: "table of servers or commands" }] };
}
