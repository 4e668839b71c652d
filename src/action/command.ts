/**
 * Formats a workflow command, as the runner reads it from a line of output. Written by hand, because @actions/core takes longer
 * to load than everything else together, and the error for a missing input does not need it.
 */
export function errorCommand(
  title: string,
  message: string,
  place: { file?: string; line?: number; column?: number } = {},
): string {
  const { file, line, column } = place;
  const properties = Object.entries({ file, line, col: column, title }).filter(([, value]) => value !== undefined);
  return `::error ${properties.map(([name, value]) => `${name}=${escapeProperty(String(value))}`).join(",")}::${escapeData(message)}`;
}

/** Makes the runner hide a text in all further output of the job. */
export function maskCommand(secret: string): string {
  return `::add-mask::${escapeData(secret)}`;
}

function escapeData(text: string): string {
  return text.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
}

function escapeProperty(text: string): string {
  return escapeData(text).replaceAll(":", "%3A").replaceAll(",", "%2C");
}
