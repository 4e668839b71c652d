/** Ports that commands and sources name. */

/** A source file of the application, without comments. */
export interface Source {
  path: string;
  text: string;
}

export function portInCommand(text: string): number | undefined {
  const found = /(?:--port[= ]|\s-p[= ]?|\bPORT=|--listen[= ](?:tcp:\/\/[\d.]+:)?)(\d{2,5})\b/.exec(text)?.[1];
  return port(found);
}

/** The most certain first. */
const listening: readonly RegExp[] = [
  /\bPORT\b["'\])]*\s*(?:\?\?|\|\||,|\bor\b)\s*["']?(\d{2,5})\b/,
  /\.listen\(\s*\{?\s*(?:port\s*:\s*)?(\d{2,5})\b/,
  /ListenAndServe(?:TLS)?\(\s*"[^":]*:(\d{2,5})"/,
  /\.Run\(\s*"[^":]*:(\d{2,5})"/,
  /^[ \t]*(?:PORT|port)\s*(?::\s*int\s*)?=\s*(\d{2,5})[ \t]*$/m,
  /\b(?:const|let|var)\s+(?:port|PORT)\s*=\s*(\d{2,5})\b/,
];

export function portInSources(sources: readonly Source[]): number | undefined {
  for (const pattern of listening)
    for (const { text } of sources) {
      const found = port(pattern.exec(text)?.[1]);
      if (found !== undefined) return found;
    }
  return undefined;
}

export function port(text: string | undefined): number | undefined {
  const value = Number(text);
  return text !== undefined && value >= 80 && value <= 65_535 ? value : undefined;
}
