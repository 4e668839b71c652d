/** Whether a table was overwritten. @param history rows of DESCRIBE HISTORY */
export function isOverwritten(history: readonly Record<string, unknown>[]): boolean {
  return history.some(isOverwrite);
}

function isOverwrite({ operation, operationParameters }: Record<string, unknown>): boolean {
  return operation === "WRITE" && parameterOf(operationParameters, "mode") === "Overwrite";
}

/** A map travels as an object, or as text in JSON. */
function parameterOf(parameters: unknown, name: string): unknown {
  const read: unknown = typeof parameters === "string" ? JSON.parse(parameters) : parameters;
  if (read instanceof Map) return read.get(name);
  return typeof read === "object" && read !== null ? (read as Record<string, unknown>)[name] : undefined;
}
