/**
 * Requests to the coordinator of a transactional id or a group. The coordinator is looked up again when it has moved
 * or does not respond. All these requests are idempotent.
 */
import { HeadwaterError } from '@headwater/errors';
import { backoffMs, never, pauseFor } from '../../backoff.ts';
import { asLogError } from '../client/failures.ts';
import type { BrokerAddress, ProtocolRequest } from '../client/kafkajs.ts';
import type { ClusterView } from './cluster-view.ts';
import type { Connections } from './connections.ts';
import { coordinatorErrorClass, ResponseError } from './protocol/response-errors.ts';
import type { BrokerResult, CoordinatorType } from './protocol/transaction-requests.ts';

/** The broker completes a commit in the background, so the next transaction may have to wait. */
const concurrentWaitMs = 5;
const longestWaitMs = 1_000;

interface Attempts {
  /** Operation for errors, e.g. `taking over a partition`. */
  readonly subject: string;
  /** Milliseconds since the epoch; no attempt starts after it. */
  readonly deadline: number;
}

export class CoordinatorClient {
  readonly #view: ClusterView;
  readonly #connections: Connections;

  constructor({ view, connections }: { readonly view: ClusterView; readonly connections: Connections }) {
    this.#view = view;
    this.#connections = connections;
  }

  /** Errors: HeadwaterError, log-unavailable after the deadline. */
  async send<T>(
    coordinator: { readonly type: CoordinatorType; readonly key: string },
    request: ProtocolRequest<BrokerResult<T>>,
    attempts: Attempts,
  ): Promise<T> {
    const { type, key } = coordinator;
    const locate = () => this.#view.coordinator(key, type);
    const moved = () => this.#view.forgetCoordinator(key, type);
    return this.#repeat(locate, moved, request, attempts);
  }

  /** Sends to any broker, with the same retries. */
  async sendToAny<T>(request: ProtocolRequest<BrokerResult<T>>, attempts: Attempts): Promise<T> {
    return this.#repeat(
      () => this.#view.anyBroker(),
      () => undefined,
      request,
      attempts,
    );
  }

  async #repeat<T>(
    locate: () => Promise<BrokerAddress>,
    moved: () => void,
    request: ProtocolRequest<BrokerResult<T>>,
    { subject, deadline }: Attempts,
  ): Promise<T> {
    for (let failures = 0; ; failures += 1) {
      let address: BrokerAddress | undefined;
      try {
        address = await locate();
        const { error, value } = await this.#connections.send(address, request);
        if (error === undefined) return value;
        throw new ResponseError(error, subject);
      } catch (thrown) {
        const wait = this.#waitAfter(thrown, failures, moved, address);
        if (wait === undefined) throw asLogError(thrown, subject);
        if (Date.now() + wait >= deadline) throw outOfTime(thrown, subject);
        await pauseFor(wait, never);
      }
    }
  }

  /** Milliseconds before the next attempt; undefined where the error is final. */
  #waitAfter(
    thrown: unknown,
    failures: number,
    moved: () => void,
    address: BrokerAddress | undefined,
  ): number | undefined {
    const wait = Math.min(backoffMs(failures), longestWaitMs);
    if (thrown instanceof ResponseError) {
      const errorClass = coordinatorErrorClass(thrown.type);
      if (errorClass === 'concurrent') return concurrentWaitMs;
      if (errorClass === 'moved') moved();
      return errorClass === 'final' ? undefined : wait;
    }
    if (this.#connections.isClosed) return undefined;
    moved();
    if (address !== undefined) this.#view.markUnreachable(address);
    return asLogError(thrown, '').verdict === 'retry' ? wait : undefined;
  }
}

function outOfTime(cause: unknown, subject: string): HeadwaterError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new HeadwaterError('log-unavailable', `${subject} timed out: ${reason}`, { cause });
}
