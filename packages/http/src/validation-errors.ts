/** What is wrong with a request that its schema refuses, in full: the framework names neither what is unknown nor what would do. */
import type { FastifySchemaValidationError } from 'fastify/types/schema.js';

/** `part` is where it was found: querystring, params, headers or body. */
export function formatValidationErrors(faults: readonly FastifySchemaValidationError[], part: string): Error {
  return new Error(faults.map((fault) => `${part}${fault.instancePath} ${explain(fault)}`).join(', '));
}

function explain({ message = 'is not as it should be', params }: FastifySchemaValidationError): string {
  const { additionalProperty, allowedValues } = params;
  if (typeof additionalProperty === 'string') return `${message}: ${JSON.stringify(additionalProperty)}`;
  if (Array.isArray(allowedValues)) return `${message}: ${allowedValues.join(', ')}`;
  return message;
}
