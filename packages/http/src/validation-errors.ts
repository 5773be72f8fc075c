/** Complete messages of schema violations: the framework names neither unknown properties nor allowed values. */
import type { FastifySchemaValidationError } from 'fastify/types/schema.js';

/** `part` is the violating part: querystring, params, headers or body. */
export function formatValidationErrors(faults: readonly FastifySchemaValidationError[], part: string): Error {
  return new Error(faults.map((fault) => `${part}${fault.instancePath} ${explain(fault)}`).join(', '));
}

function explain({ message = 'is invalid', params }: FastifySchemaValidationError): string {
  const { additionalProperty, allowedValues } = params;
  if (typeof additionalProperty === 'string') return `${message}: ${JSON.stringify(additionalProperty)}`;
  if (Array.isArray(allowedValues)) return `${message}: ${allowedValues.join(', ')}`;
  return message;
}
