import type { CommandReport, ServerReport } from "../../model/report.ts";
import { commandEnd, duration } from "../words.ts";
import { html, type Markup, nothing } from "./markup.ts";
import { code, dataTable, folded, preformatted } from "./parts.ts";

export function processesPart(servers: readonly ServerReport[], commands: readonly CommandReport[]): Markup {
  if (servers.length === 0 && commands.length === 0) return nothing;
  return html`<h3>Servers and commands</h3>
${servers.length > 0 ? serverTable(servers) : nothing}
${commands.length > 0 ? commandTable(commands) : nothing}
${servers.map(({ name, tail }) => output(name, tail))}${commands.map(({ command, tail }) => output(command, tail))}`;
}

function serverTable(servers: readonly ServerReport[]): Markup {
  const rows = servers.map((server) => [
    server.name,
    server.readyMs === undefined ? html`<b class="bad">never</b>` : duration(server.readyMs),
    server.ended,
    port(server),
    code(server.log),
  ]);
  const titles = ["Server", "Ready after", "Ended", "Port", "Log"];
  return dataTable(
    "Servers",
    titles.map((title) => ({ title })),
    rows,
  );
}

function port({ port, portFreed }: ServerReport): Markup | string {
  if (port === undefined) return "";
  if (portFreed === undefined) return String(port);
  return portFreed ? `${port}, free again` : html`<b class="bad">${port} is still taken</b>`;
}

function commandTable(commands: readonly CommandReport[]): Markup {
  const rows = commands.map((command) => [
    code(command.command),
    commandEnd(command),
    duration(command.durationMs),
    code(command.log),
  ]);
  const titles = ["Command", "Ended", "Took", "Log"];
  return dataTable(
    "Commands",
    titles.map((title) => ({ title })),
    rows,
  );
}

function output(name: string, tail: readonly string[] | undefined): Markup {
  if (!tail || tail.length === 0) return nothing;
  return folded(html`Last lines of ${code(name)}`, preformatted(tail.join("\n"), `Last lines of ${name}`), true);
}
