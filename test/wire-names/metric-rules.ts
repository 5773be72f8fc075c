/** The rules of `promtool check metrics` (client_golang/prometheus/testutil/promlint) for names, kinds and help texts. */

export interface MetricDefinition {
  readonly name: string;
  readonly kind: string;
  readonly help: string;
}

/** Units that are not base units, with the base unit. */
const otherUnits: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    ['milliseconds', 'microseconds', 'nanoseconds', 'minutes', 'hours', 'days', 'weeks'].map((unit) => [
      unit,
      'seconds',
    ]),
  ),
  ...Object.fromEntries(
    ['bits', 'kilobytes', 'kibibytes', 'megabytes', 'mebibytes', 'gigabytes', 'gibibytes'].map((unit) => [
      unit,
      'bytes',
    ]),
  ),
  percent: 'ratio',
  percentage: 'ratio',
  kelvin: 'celsius',
};

const abbreviations = 's ms us ns sec b kb mb gb tb pb m h d'.split(' ');

/** What breaks a rule, in words. */
export function lintMetric({ name, kind, help }: MetricDefinition): string[] {
  const parts = name.split('_');
  const rules: readonly (readonly [breaks: boolean, problem: string])[] = [
    [help.trim() === '', 'has no help text'],
    [kind === 'counter' && parts.at(-1) !== 'total', 'is a counter without the suffix _total'],
    [kind !== 'counter' && parts.at(-1) === 'total', 'has the suffix _total, and is no counter'],
    [/_(bucket|count|sum)$/.test(name), 'has a suffix that is reserved for histograms'],
    [/_(counter|gauge|histogram|summary)(_|$)/.test(name), 'has its kind in its name'],
    [!/^[a-z][a-z0-9_]*$/.test(name), 'must be of lower-case letters, digits and underscores'],
    ...parts.map(
      (part) =>
        [part in otherUnits, `has ${part} in its name; the base unit is ${otherUnits[part]}`] as const,
    ),
    ...parts.map((part) => [abbreviations.includes(part), `has an abbreviated unit: ${part}`] as const),
  ];
  return rules.filter(([breaks]) => breaks).map(([, problem]) => `${name} ${problem}`);
}

/** Name and help stand as literals in the call that creates a metric. */
const registration = /\.(counter|gauge|histogram)\(\s*'(headwater_\w+)',\s*(?:'([^']*)'|"([^"]*)")/g;

/** Every metric that a source text creates. */
export function findMetrics(source: string): MetricDefinition[] {
  return Array.from(source.matchAll(registration), ([, kind = '', name = '', single, double]) => ({
    name,
    kind,
    help: single ?? double ?? '',
  }));
}
