/** How JSON is read and written without losing a digit: a whole number that a float cannot hold becomes a BigInt. */

const STRING_OR_LONG_INTEGER = /"(?:[^"\\]|\\.)*"|-?\d{16,}(?![\d.eE])/g;
const MARK = "\u0000integer ";

/** Read JSON. */
export function readJson(text: string): unknown {
  let marked = false;
  const safe = text.replace(STRING_OR_LONG_INTEGER, (part) => {
    if (part.startsWith('"') || Number.isSafeInteger(Number(part))) return part;
    marked = true;
    return JSON.stringify(MARK + part);
  });
  if (!marked) return JSON.parse(text);
  return JSON.parse(safe, (_, value: unknown) =>
    typeof value === "string" && value.startsWith(MARK) ? BigInt(value.slice(MARK.length)) : value,
  );
}

