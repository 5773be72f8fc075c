/**
 * The transactional producer of one partition worker or tool; commits outputs and offsets together. A failure with
 * unknown outcome ends it: the transactional id must be opened again under a later epoch, so that no late batch can
 * enter the next transaction.
 */
import { HeadwaterError } from '@headwater/errors';
import type { OutgoingRecord, Positions } from '../../api.ts';
import type { PartitionTransactions } from '../../partitions/membership.ts';
import { asLogError } from '../client/failures.ts';
import type { ProtocolRequest } from '../client/kafkajs.ts';
import { BatchSender } from './batch-sender.ts';
import { CoordinatorClient } from './coordinator-client.ts';
import { PartitionWriters } from './partition-writers.ts';
import type { ProduceContext } from './produce-context.ts';
import { initialiseTransactions } from './producer-identity.ts';
import type { ProducerIdentity } from './protocol/record-batch.ts';
import {
  addOffsetsRequest,
  addPartitionsRequest,
  type BrokerResult,
  endTransactionRequest,
  type TransactionRef,
  txnOffsetCommitRequest,
} from './protocol/transaction-requests.ts';
import { type Route, routeRecords } from './routing.ts';

interface TransactionalOptions extends ProduceContext {
  readonly transactionalId: string;
  /** Group whose offsets are committed; without it, none are. */
  readonly group?: string;
  /** The partition whose offsets are committed. */
  readonly partition?: number;
}

export class TransactionalProducer implements PartitionTransactions {
  readonly #options: TransactionalOptions;
  readonly #sender: BatchSender;
  readonly #coordinators: CoordinatorClient;
  readonly #writers: PartitionWriters;
  #identity: ProducerIdentity | undefined;

  constructor(options: TransactionalOptions) {
    this.#options = options;
    this.#sender = new BatchSender(options);
    this.#coordinators = new CoordinatorClient(options);
    this.#writers = new PartitionWriters({
      sender: this.#sender,
      topics: options.topics,
      transactional: true,
      identity: async () => this.#current(),
      identityInvalidated: () => undefined,
    });
  }

  /** Fences the former owner and waits for the end of its transaction. Errors: log-unavailable, log-forbidden. */
  async open(): Promise<void> {
    this.#identity = await initialiseTransactions(this.#options, this.#options.transactionalId);
  }

  async commit(records: readonly OutgoingRecord[], positions: Positions): Promise<void> {
    const { topics, maxBatchBytes } = this.#options;
    const shapeOf = await topics.shapes(records.map(({ topic }) => topic));
    const routes = routeRecords(records, shapeOf, maxBatchBytes);
    if (routes.length === 0 && positions.size === 0) return;
    const deadline = Date.now() + this.#options.deliverMs;
    try {
      await this.#run(routes, positions, deadline);
    } catch (thrown) {
      throw await this.#afterFailure(thrown);
    }
  }

  async close(): Promise<void> {
    this.#identity = undefined;
    this.#sender.close();
    this.#options.connections.close();
  }

  async #run(routes: readonly Route[], positions: Positions, deadline: number): Promise<void> {
    const transaction = { ...this.#current(), transactionalId: this.#options.transactionalId };
    const { group } = this.#options;
    const sendsOffsets = positions.size > 0 && group !== undefined;
    if (routes.length > 0) await this.#send(addPartitionsRequest(transaction, routes), deadline);
    if (sendsOffsets) await this.#send(addOffsetsRequest(transaction, group), deadline);
    const parts = routes.map((route) => this.#writers.write(route, deadline));
    if (sendsOffsets) parts.push(this.#commitOffsets(transaction, group, positions, deadline));
    // Wait for all parts even if one fails: no request may overlap the next transaction.
    const failed = (await Promise.allSettled(parts)).filter((part) => part.status === 'rejected');
    await this.#writers.idle();
    if (failed.length > 0) throw firstCause(failed.map(({ reason }) => reason));
    await this.#send(endTransactionRequest(transaction), deadline);
  }

  #send(request: ProtocolRequest<BrokerResult<undefined>>, deadline: number): Promise<undefined> {
    const coordinator = { type: 'transaction', key: this.#options.transactionalId } as const;
    return this.#coordinators.send(coordinator, request, { subject: 'committing a batch', deadline });
  }

  async #commitOffsets(
    transaction: TransactionRef,
    group: string,
    positions: Positions,
    deadline: number,
  ): Promise<void> {
    const { partition = 0 } = this.#options;
    const offsets = [...positions].map(([topic, offset]) => ({ topic, partition, offset }));
    const request = txnOffsetCommitRequest(transaction, group, offsets);
    const subject = `committing offsets of group ${group}`;
    await this.#coordinators.send({ type: 'group', key: group }, request, { subject, deadline });
  }

  #current(): ProducerIdentity {
    if (this.#identity !== undefined) return this.#identity;
    throw new HeadwaterError(
      'log-commit-unknown',
      'the transactional producer has ended; open the transactional id again',
    );
  }

  /** After a too large record, a later epoch aborts the transaction, so that nothing of it is written. */
  async #afterFailure(thrown: unknown): Promise<HeadwaterError> {
    const { transactionalId, observer } = this.#options;
    const error = asLogError(thrown, 'committing a batch', 'log-commit-unknown');
    const former = this.#identity;
    this.#identity = undefined;
    if (error.code === 'record-too-large' && former !== undefined) {
      try {
        this.#identity = await initialiseTransactions(this.#options, transactionalId, former);
        return error;
      } catch (cause) {
        return new HeadwaterError('log-commit-unknown', 'cannot abort a transaction', { cause });
      }
    }
    if (error.verdict === 'retry') observer.commitUnknown?.(error.code);
    return error.code === 'log-unavailable' ? unknownOutcome(error) : error;
  }
}

function unknownOutcome(cause: HeadwaterError): HeadwaterError {
  return new HeadwaterError('log-commit-unknown', cause.message, { cause });
}

/** Errors that stop or fence take precedence over transient ones. */
function firstCause(reasons: readonly unknown[]): unknown {
  const errors = reasons.map((reason) => asLogError(reason, 'committing a batch'));
  return (
    errors.find(({ verdict }) => verdict !== 'retry') ??
    errors.find(({ code }) => code === 'log-fenced') ??
    errors[0]
  );
}
