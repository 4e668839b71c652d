/** Decodes the user or the password of an address as its server receives it. Clients accept a bare %, so it is kept. */
export function decodedPart(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch (error) {
    if (error instanceof URIError) return text;
    throw error;
  }
}
