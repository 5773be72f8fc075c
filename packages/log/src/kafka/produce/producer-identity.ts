/** How a producer gets the identity under which brokers number its batches. */
import { CoordinatorClient } from './coordinator-client.ts';
import type { ProduceContext } from './produce-context.ts';
import type { ProducerIdentity } from './protocol/record-batch.ts';
import { initProducerIdRequest } from './protocol/transaction-requests.ts';

/** Of an idempotent producer. Errors: log-unavailable, log-forbidden, log-untrusted. */
export function initialiseProducer(context: ProduceContext): Promise<ProducerIdentity> {
  const request = initProducerIdRequest(null, context.transactionTimeoutMs);
  return new CoordinatorClient(context).askAny(request, {
    subject: 'initialising a producer',
    deadline: Date.now() + context.deliverMs,
  });
}

/**
 * Of a transactional one: what its former owner had open is aborted or, where its commit had begun, finished. With
 * `current`, the identity is replaced by one of a later epoch, unless another owner has taken over.
 * Errors: log-unavailable, log-forbidden, log-untrusted, log-fenced.
 */
export function initialiseTransactions(
  context: ProduceContext,
  transactionalId: string,
  current?: ProducerIdentity,
): Promise<ProducerIdentity> {
  const request = initProducerIdRequest(transactionalId, context.transactionTimeoutMs, current);
  const coordinator = { type: 'transaction', key: transactionalId } as const;
  return new CoordinatorClient(context).ask(coordinator, request, {
    subject: `taking over transactional id ${transactionalId}`,
    deadline: Date.now() + context.deliverMs,
  });
}
