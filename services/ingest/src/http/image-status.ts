/** `GET` and `DELETE /v1/images/{id}`: status and erasure of an image. */
import { HeadwaterError } from '@headwater/errors';
import { imageIdParameter } from '@headwater/schemas';
import type { FastifyInstance } from 'fastify';
import { checkImageId } from '../intake/identifiers.ts';
import type { Intake } from '../intake/intake.ts';
import type { ImageLookup } from '../tracking/image-lookup.ts';
import type { Tracker } from '../tracking/tracker.ts';
import { type Admission, withPermit } from './admission.ts';
import { imagePath, imageSchema, problemSchema, statusSchema, trackedResponse } from './responses.ts';

export interface ImageStatusOptions {
  readonly intake: Intake;
  readonly tracker: Tracker;
  readonly lookup: ImageLookup;
  readonly admission: Admission;
}

const params = {
  type: 'object',
  required: ['id'],
  properties: { id: imageIdParameter },
} as const;

export function registerImageStatus(app: FastifyInstance, options: ImageStatusOptions): void {
  const { intake, tracker, lookup, admission } = options;
  app.get<{ Params: { id: string } }>(
    '/v1/images/:id',
    {
      schema: {
        summary: 'Status of an image',
        description:
          'From a bounded cache of the images, predictions and dead letters that this process has seen since its start, and, with PEER_SECRET, from the process of classify that owns the image and from the topics: any replica gives the same answer. An image that is not found may still be in the log.',
        tags: ['images'],
        params,
        response: {
          200: { description: 'The known status.', ...statusSchema },
          '4xx': problemSchema,
          503: problemSchema,
        },
      },
    },
    async (request) => {
      const { image, asOf, missing } = await lookup.find(checkImageId(request.params.id), request.caller);
      const partial = missing.length > 0 ? { partial: true, missing } : {};
      if (image) return { ...trackedResponse(image), asOf, ...partial };
      if (missing.length > 0) throw ownerSilent(missing);
      throw new HeadwaterError('not-found', 'no recent image has this id');
    },
  );
  app.delete<{ Params: { id: string } }>(
    '/v1/images/:id',
    {
      schema: {
        summary: 'Erase an image',
        description: 'Publishes the tombstone of the image. Repeating it is harmless.',
        tags: ['images'],
        params,
        response: {
          202: { description: 'The tombstone is in the log.', ...imageSchema, required: ['id'] },
          '4xx': problemSchema,
          503: problemSchema,
        },
      },
    },
    async (request, reply) => {
      const id = checkImageId(request.params.id);
      await withPermit(admission, async () => {
        await intake.erase(id);
        tracker.erased(id);
      });
      return reply.code(202).header('location', imagePath(id)).send({ id, status: 'erased' });
    },
  );
}

function ownerSilent(missing: readonly number[]): HeadwaterError {
  return new HeadwaterError(
    'peer-unavailable',
    'no recent image has this id here, and the process of classify that owns it does not answer; retry later',
    { context: { missing: missing.join() } },
  );
}
