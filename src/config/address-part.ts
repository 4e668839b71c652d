/** The user or the password of an address, as its server gets it. A bare % stands for itself, as clients take it. */
export function decodedPart(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch (error) {
    if (error instanceof URIError) return text;
    throw error;
  }
}
