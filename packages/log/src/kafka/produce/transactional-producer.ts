/**
 * The transactional producer of one partition worker or tool: outputs and offsets are committed together. A failure
 * whose outcome is unknown ends it: the same transactional id is opened again, under a later epoch, and until then no
 * request goes on under the former one, where a late batch could enter the next transaction.
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
  type Answered,
  addOffsetsRequest,
  addPartitionsRequest,
  endTransactionRequest,
  type TransactionRef,
  txnOffsetCommitRequest,
} from './protocol/transaction-requests.ts';
import { type Route, routeRecords } from './routing.ts';

export interface TransactionalOptions extends ProduceContext {
  readonly transactionalId: string;
  /** Whose offsets are committed; without it none are. */
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
    if (routes.length > 0) await this.#ask(addPartitionsRequest(transaction, routes), deadline);
    if (sendsOffsets) await this.#ask(addOffsetsRequest(transaction, group), deadline);
    const parts = routes.map((route) => this.#writers.write(route, deadline));
    if (sendsOffsets) parts.push(this.#commitOffsets(transaction, group, positions, deadline));
    // All of them, also where one fails: a request that is still under way must not meet what comes after.
    const failed = (await Promise.allSettled(parts)).filter((part) => part.status === 'rejected');
    await this.#writers.idle();
    if (failed.length > 0) throw firstCause(failed.map(({ reason }) => reason));
    await this.#ask(endTransactionRequest(transaction), deadline);
  }

  #ask(request: ProtocolRequest<Answered<undefined>>, deadline: number): Promise<undefined> {
    const coordinator = { type: 'transaction', key: this.#options.transactionalId } as const;
    return this.#coordinators.ask(coordinator, request, { subject: 'committing a batch', deadline });
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
    await this.#coordinators.ask({ type: 'group', key: group }, request, { subject, deadline });
  }

  #current(): ProducerIdentity {
    if (this.#identity !== undefined) return this.#identity;
    throw new HeadwaterError(
      'log-commit-unknown',
      'these transactions ended; open the transactional id again',
    );
  }

  /** A record that is too large is known to have left nothing behind once the epoch is a later one. */
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
        return new HeadwaterError('log-commit-unknown', 'a transaction could not be aborted', { cause });
      }
    }
    if (error.verdict === 'retry') observer.commitUnknown?.(error.code);
    return error.code === 'log-unavailable' ? unknownOutcome(error) : error;
  }
}

function unknownOutcome(cause: HeadwaterError): HeadwaterError {
  return new HeadwaterError('log-commit-unknown', cause.message, { cause });
}

/** One that stops or fences counts more than one that may pass. */
function firstCause(reasons: readonly unknown[]): unknown {
  const errors = reasons.map((reason) => asLogError(reason, 'committing a batch'));
  return (
    errors.find(({ verdict }) => verdict !== 'retry') ??
    errors.find(({ code }) => code === 'log-fenced') ??
    errors[0]
  );
}
