/** What `--help` of a service prints: its variables, from the schema that also checks them. */
import { type EnvironmentSchema, listVariables, type Variable } from './variable-metadata.ts';

export function describeEnvironment(service: string, schema: EnvironmentSchema): string {
  const entries = listVariables(schema).map(describe);
  return [
    `${service} takes no arguments; it is configured by environment variables.`,
    'Variables marked (secret) may be given in a file instead, named by <NAME>_FILE.',
    '',
    ...entries,
    '',
  ].join('\n');
}

function describe({ name, description, expected, secret, required, default: fallback }: Variable): string {
  const state = required ? 'required' : fallback === undefined ? 'optional' : `default ${fallback}`;
  const lines = [`${name}${secret === true ? ' (secret)' : ''}`];
  if (description !== undefined) lines.push(`    ${description}`);
  lines.push(`    ${expected ?? 'text'}; ${state}`);
  return lines.join('\n');
}
