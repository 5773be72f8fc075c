/**
 * The schemas of the records, by the read-only API of Confluent's registry: clients of a registry can decode the
 * topics without one.
 */
import { asHeadwaterError } from '@headwater/errors';
import { type SchemaIds, schemaForId } from '@headwater/schemas';
import type { FastifyInstance, FastifyReply } from 'fastify';

const mediaType = 'application/vnd.schemaregistry.v1+json';

const params = {
  type: 'object',
  required: ['id'],
  properties: { id: { type: 'integer', minimum: 0, maximum: 2 ** 31 - 1 } },
} as const;

type Route = { Params: { id: number } };

export function registerSchemas(app: FastifyInstance, schemaIds: SchemaIds): void {
  const answer = async (reply: FastifyReply, find: () => Promise<object>) => {
    reply.type(mediaType).serializer((value: unknown) => JSON.stringify(value));
    try {
      return reply.send(await find());
    } catch (thrown) {
      const { code } = asHeadwaterError(thrown);
      // Clients of a registry expect its own format of errors.
      if (code === 'schema-unknown')
        return reply.code(404).send({ error_code: 40403, message: 'Schema not found' });
      if (code === 'schema-registry-unavailable') {
        return reply.code(503).send({ error_code: 50003, message: 'No response from the schema registry' });
      }
      throw thrown;
    }
  };
  const tags = ['schemas'];
  app.get<Route>(
    '/schemas/ids/:id',
    { schema: { summary: 'A schema by its id, in the format of a schema registry', tags, params } },
    ({ params: { id } }, reply) => answer(reply, () => schemaForId(schemaIds, id)),
  );
  app.get<Route>(
    '/schemas/ids/:id/schema',
    { schema: { summary: 'The schema alone', tags, params } },
    ({ params: { id } }, reply) => answer(reply, () => schemaIds.lookup(id)),
  );
  app.get('/schemas/types', { schema: { summary: 'Types of schemas', tags } }, (_request, reply) =>
    reply.type(mediaType).send(['AVRO']),
  );
}
