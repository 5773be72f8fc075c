/** The `--help` text of a service, generated from the schema of its variables. */
import { type EnvironmentSchema, listVariables, type Variable } from './variable-metadata.ts';

export function describeEnvironment(service: string, schema: EnvironmentSchema): string {
  const entries = listVariables(schema).map(describe);
  return [
    `${service} takes no arguments; it is configured by environment variables.`,
    'Variables marked (secret) can be read from a file that <NAME>_FILE names.',
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
