/** The methods that make links of chains, each a file. A new one is a file in this folder and a line here. */
import { HeadwaterError } from '@headwater/errors';
import type { StageMethod } from './api.ts';

const list: readonly StageMethod[] = [];

const table: ReadonlyMap<string, StageMethod> = new Map(list.map((method) => [method.method, method]));

/** Names of all methods, e.g. `tfidf`. */
export function stageMethodNames(): string[] {
  return [...table.keys()];
}

/** Errors: config-invalid. */
export function stageMethodOf(name: string): StageMethod {
  const method = table.get(name);
  if (method) return method;
  const known = stageMethodNames().join(', ');
  throw new HeadwaterError('config-invalid', `No method is called ${name}. There are: ${known}.`);
}
