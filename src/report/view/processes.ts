import { count } from "../../lib/count.ts";
import type { CommandReport, ServerReport, StageReport } from "../../model/report.ts";
import { commandEnd, duration } from "../words.ts";
import type { Block, Cell, Inline, Row, Section } from "./shapes.ts";

/** The servers and commands of a stage. The ends of their logs lead the report if nothing else explains a failure. */
export function processesSection({ servers, commands }: StageReport, { explained }: { explained: boolean }): Section | undefined {
  if (servers.length === 0 && commands.length === 0) return undefined;
  const titled = (titles: readonly string[]) => titles.map((title) => ({ title }));
  const loses = "table of servers or commands";
  const serverRows = servers.map((server): Row => {
    const ready: Inline = server.readyMs === undefined ? { strong: "never", tone: "bad" } : duration(server.readyMs);
    return { cells: [server.name, ready, server.ended, port(server), server.log && { code: server.log }] };
  });
  const commandRows = commands.map((command): Row => {
    const { log, durationMs } = command;
    return { cells: [named(command), commandEnd(command), duration(durationMs), log && { code: log }] };
  });
  const tables: Block[] = [
    {
      kind: "table",
      title: "Servers",
      columns: titled(["Server", "Ready after", "End", "Port", "Log"]),
      rows: serverRows,
      loses,
    },
    { kind: "table", title: "Commands", columns: titled(["Command", "End", "Time", "Log"]), rows: commandRows, loses },
  ];
  return {
    what: "processes",
    title: "Servers and commands",
    brief: brief(servers, commands),
    quiet: true,
    blocks: [
      ...tables.filter((block) => block.kind === "table" && block.rows.length > 0),
      ...(explained ? outputBlocks({ servers, commands }, { open: false }) : []),
    ],
  };
}

/** `backend ready after 640 ms; 1 command, exit status 1 after 5.4 s`. */
function brief(servers: readonly ServerReport[], commands: readonly CommandReport[]): string {
  const started = servers.map(({ name, readyMs }) =>
    readyMs === undefined ? `${name} was never ready` : `${name} ready after ${duration(readyMs)}`,
  );
  const ran = commands.map(
    (command) => `${command.task ?? "tests"}: ${commandEnd(command)} after ${duration(command.durationMs)}`,
  );
  const all = [...started, ...ran];
  return all.length > 4 ? `${all.slice(0, 4).join("; ")} and ${all.length - 4} more` : all.join("; ");
}

function named({ command, task }: CommandReport): Cell {
  return task === undefined ? { code: command } : { line: [`${task}: `, { code: command }], below: [] };
}

function port({ port, portFreed }: ServerReport): Inline {
  if (port === undefined) return "";
  if (portFreed === undefined) return String(port);
  return portFreed ? `${port}, released` : { strong: `${port} is still in use`, tone: "bad" };
}

/** More, as of servers that end one after the other, say the same. */
const mostOutputs = 20;

/** The ends of logs, around their errors. */
export function outputBlocks(
  { servers, commands }: Pick<StageReport, "servers" | "commands">,
  { open }: { open: boolean },
): Block[] {
  const all = [
    ...servers.map(({ name, tail }) => ({ name, tail })),
    ...commands.map(({ command, tail }) => ({ name: command, tail })),
  ];
  const ends = all.filter(({ tail = [] }) => tail.length > 0);
  const rest = ends.length - mostOutputs;
  const blocks = ends.slice(0, mostOutputs).map(({ name, tail = [] }): Block => {
    const title = ["End of the log of ", { code: name }];
    const label = `End of the log of ${name}`;
    return { kind: "output", title, label, text: tail.join("\n"), open, loses: "output of a server or command" };
  });
  const more = `The ${rest === 1 ? "end" : "ends"} of ${count(rest, "more log")} ${rest === 1 ? "is" : "are"} in the report.`;
  return rest > 0 ? [...blocks, { kind: "text", line: [more], loses: "output of a server or command" }] : blocks;
}
