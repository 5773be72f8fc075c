/** Lists of the form `name=value,name=value`, whose values are percent-encoded (the form of OpenTelemetry's variables). */

/** Undefined for text of another form. */
export function parsePairs(text: string): Record<string, string> | undefined {
  const pairs: [string, string][] = [];
  for (const item of text.split(',').filter((one) => one.trim() !== '')) {
    const at = item.indexOf('=');
    const name = item.slice(0, Math.max(at, 0)).trim();
    const value = decoded(item.slice(at + 1).trim());
    if (name === '' || value === undefined) return undefined;
    pairs.push([name, value]);
  }
  return Object.fromEntries(pairs);
}

/** Empty where the variable is not set. */
export function pairsOf(text: string | undefined): Record<string, string> {
  return parsePairs(text ?? '') ?? {};
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
