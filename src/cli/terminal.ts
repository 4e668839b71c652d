/** What the terminal gives; a test gives its own. */
export interface Terminal {
  cwd: string;
  env: Readonly<Record<string, string | undefined>>;
  stdout: NodeJS.WriteStream;
  stderr: NodeJS.WriteStream;
}
