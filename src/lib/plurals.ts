const irregular: Readonly<Record<string, string>> = { child: "children", person: "people" };

/** Possible plurals of an English word: `session` → sessions, `summary` → summaries, `class` → classes. */
export function pluralsOf(word: string): string[] {
  const exception = Object.hasOwn(irregular, word) ? irregular[word] : undefined;
  if (exception !== undefined) return [exception, `${word}s`];
  if (/[^aeiou]y$/.test(word)) return [`${word.slice(0, -1)}ies`];
  if (/(?:s|x|z|ch|sh)$/.test(word)) return [`${word}es`];
  return [`${word}s`];
}

/** Words that this may be the plural of, and the word itself, because a table may be named in the singular. */
export function singularsOf(word: string): string[] {
  const candidates = [
    ...Object.entries(irregular).flatMap(([one, many]) => (many === word ? [one] : [])),
    word.replace(/ies$/, "y"),
    word.replace(/es$/, ""),
    word.replace(/s$/, ""),
  ];
  return [...new Set([...candidates.filter((one) => one !== "" && pluralsOf(one).includes(word)), word])];
}
