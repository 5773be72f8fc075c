/** The route at which other processes of the installation ask for the part of this one. */
import { HeadwaterError } from '@headwater/errors';
import type { FastifyInstance } from 'fastify';
import type { LocalAnswers } from './local-answers.ts';
import { type QuestionKind, type QuestionParameters, questionKinds } from './questions.ts';

interface PeerRoute {
  readonly Params: { readonly question: QuestionKind };
  readonly Querystring: QuestionParameters;
}

const params = {
  type: 'object',
  properties: { question: { type: 'string', enum: questionKinds } },
} as const;

const querystring = {
  type: 'object',
  properties: {
    task: { type: 'string' },
    imageId: { type: 'string' },
    extractor: { type: 'string' },
    limit: { type: 'integer', minimum: 0, maximum: 1_000 },
  },
} as const;

export function registerPeers(app: FastifyInstance, { local }: { readonly local: LocalAnswers }): void {
  const schema = { hide: true, params, querystring };
  app.get<PeerRoute>('/v1/peers/:question', { schema }, async ({ peer, params, query }) => {
    if (peer === null)
      throw new HeadwaterError('not-found', 'only other processes of the installation may ask this');
    return local.answer(params.question, query);
  });
}
