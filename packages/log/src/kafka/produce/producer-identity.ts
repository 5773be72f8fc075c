/** Initialises the producer id and epoch under which a producer numbers its batches. */
import { CoordinatorClient } from './coordinator-client.ts';
import type { ProduceContext } from './produce-context.ts';
import type { ProducerIdentity } from './protocol/record-batch.ts';
import { initProducerIdRequest } from './protocol/transaction-requests.ts';

/** Identity of an idempotent producer. Errors: log-unavailable, log-forbidden, log-untrusted. */
export function initialiseProducer(context: ProduceContext): Promise<ProducerIdentity> {
  const request = initProducerIdRequest(null, context.transactionTimeoutMs);
  return new CoordinatorClient(context).sendToAny(request, {
    subject: 'initialising a producer',
    deadline: Date.now() + context.deliverMs,
  });
}

/**
 * Identity of a transactional producer. The open transaction of the former owner is aborted or, if its commit has
 * started, completed. With `current`, the identity gets a later epoch, unless another owner has taken over.
 * Errors: log-unavailable, log-forbidden, log-untrusted, log-fenced.
 */
export function initialiseTransactions(
  context: ProduceContext,
  transactionalId: string,
  current?: ProducerIdentity,
): Promise<ProducerIdentity> {
  const request = initProducerIdRequest(transactionalId, context.transactionTimeoutMs, current);
  const coordinator = { type: 'transaction', key: transactionalId } as const;
  return new CoordinatorClient(context).send(coordinator, request, {
    subject: `taking over transactional id ${transactionalId}`,
    deadline: Date.now() + context.deliverMs,
  });
}
