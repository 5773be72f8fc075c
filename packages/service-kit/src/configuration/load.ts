/**
 * Reads the environment once at start, and reports all problems in one error. Error messages never contain values,
 * because a value may be a secret.
 */
import { readFileSync } from 'node:fs';
import { HeadwaterError } from '@headwater/errors';
import type { z } from 'zod';
import { type EnvironmentSchema, listVariables, type Variable } from './variable-metadata.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

interface Problem {
  readonly variable: string;
  readonly text: string;
}

interface LoadOptions {
  /** Variables that are optional in the schema and required by this caller, with the message if one is missing. */
  readonly required?: Readonly<Record<string, string>>;
}

/**
 * Parses the environment. Empty variables count as not set. A secret may be in a file that `<NAME>_FILE` names; its
 * final line break is removed. Errors: config-invalid, with all problems by variable name.
 */
export function loadConfig<T>(
  schema: EnvironmentSchema<T>,
  environment: Environment,
  options: LoadOptions = {},
): T {
  const variables = listVariables(schema);
  const { values, problems } = readValues(variables, environment);
  problems.push(...findMissing(variables, values, options.required ?? {}));
  const parsed = schema.safeParse(values);
  if (parsed.success && problems.length === 0) return parsed.data;
  const unreadable = new Set(problems.map((problem) => problem.variable));
  const invalid = parsed.success ? [] : parsed.error.issues.map((issue) => explain(issue, variables, values));
  throw invalidConfig([...problems, ...invalid.filter((problem) => !unreadable.has(problem.variable))]);
}

/** Reads one secret without a schema: the value, or the content of the file `<NAME>_FILE`. Errors: config-invalid. */
export function readSecret(environment: Environment, name: string): string | undefined {
  const { values, problems } = readValues([{ name, secret: true, required: false }], environment);
  if (problems.length > 0) throw invalidConfig(problems);
  return values[name];
}

function readValues(variables: readonly Variable[], environment: Environment) {
  const values: Record<string, string> = {};
  const problems: Problem[] = [];
  for (const { name, secret } of variables) {
    const direct = environment[name]?.trim() || undefined;
    const path = secret === true ? environment[`${name}_FILE`]?.trim() || undefined : undefined;
    if (direct !== undefined) values[name] = direct;
    if (path === undefined) continue;
    if (direct !== undefined) {
      problems.push({ variable: name, text: `set either ${name} or ${name}_FILE, not both` });
      continue;
    }
    try {
      values[name] = readFileSync(path, 'utf8').replace(/\r?\n$/, '');
    } catch (error) {
      const reason = (error as NodeJS.ErrnoException).code ?? 'unreadable';
      problems.push({ variable: name, text: `${name}_FILE: cannot read the file (${reason})` });
    }
  }
  return { values, problems };
}

/** Required variables that are not set. */
function findMissing(
  variables: readonly Variable[],
  values: Readonly<Record<string, string>>,
  required: Readonly<Record<string, string>>,
): Problem[] {
  const companions = variables
    .filter(({ name }) => values[name] !== undefined)
    .flatMap(({ name, requires = [] }) => requires.map((other) => [other, `is required with ${name}`]));
  const reasons = new Map([...companions, ...Object.entries(required)] as [string, string][]);
  return [...reasons]
    .filter(([name]) => values[name] === undefined)
    .map(([name, reason]) => ({ variable: name, text: `${name}: ${reason}` }));
}

function explain(
  issue: z.core.$ZodIssue,
  variables: readonly Variable[],
  values: Readonly<Record<string, string>>,
): Problem {
  const name = String(issue.path[0] ?? 'environment');
  const { expected } = variables.find((variable) => variable.name === name) ?? {};
  if (issue.code === 'custom') return { variable: name, text: `${name}: ${issue.message}` };
  if (values[name] === undefined) {
    return { variable: name, text: `${name}: is not set; expected ${expected ?? 'a value'}` };
  }
  return {
    variable: name,
    text: `${name}: ${expected === undefined ? issue.message : `expected ${expected}`}`,
  };
}

function invalidConfig(problems: readonly Problem[]): HeadwaterError {
  const lines = problems.map((problem) => `  ${problem.text}`);
  const names = [...new Set(problems.map((problem) => problem.variable))];
  return new HeadwaterError(
    'config-invalid',
    `the environment has ${problems.length === 1 ? 'a problem' : `${problems.length} problems`}:\n${lines.join('\n')}`,
    { context: { variables: names.join(', ') } },
  );
}
