/**
 * One connection per broker, with one request at a time. A connection is closed after a failed or timed-out request:
 * no second attempt may overlap a late response of the first, and kafkajs would decode the next response from the
 * rest of a truncated one.
 */
import type { BrokerAddress, DirectBroker, ProtocolRequest } from '../client/kafkajs.ts';

/** A request failed without a response. */
export class ConnectionFailure extends Error {
  override readonly name = 'ConnectionFailure';
  /** false: the request was not sent. */
  readonly mayBeProcessed: boolean;

  constructor({ host, port }: BrokerAddress, mayBeProcessed: boolean, cause: unknown) {
    super(`${host}:${port}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
    this.mayBeProcessed = mayBeProcessed;
  }
}

interface BrokerSlot {
  broker: Promise<DirectBroker> | undefined;
  /** Resolves when the connection is free. */
  turn: Promise<unknown>;
}

export class Connections {
  readonly #open: (address: BrokerAddress) => Promise<DirectBroker>;
  readonly #slots = new Map<string, BrokerSlot>();
  #closed = false;

  constructor(open: (address: BrokerAddress) => Promise<DirectBroker>) {
    this.#open = open;
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  /** Errors: ConnectionFailure, after which the connection is closed. */
  send<T>(address: BrokerAddress, request: ProtocolRequest<T>): Promise<T> {
    const slot = this.#slot(address);
    const sent = slot.turn.then(() => this.#send(address, slot, request));
    slot.turn = sent.catch(() => undefined);
    return sent;
  }

  /** Closes immediately; requests in flight fail. */
  close(): void {
    this.#closed = true;
    for (const slot of this.#slots.values()) void slot.broker?.then(end, () => undefined);
    this.#slots.clear();
  }

  #slot(address: BrokerAddress): BrokerSlot {
    const name = `${address.host}:${address.port}`;
    const known = this.#slots.get(name);
    if (known !== undefined) return known;
    const slot: BrokerSlot = { broker: undefined, turn: Promise.resolve() };
    this.#slots.set(name, slot);
    return slot;
  }

  async #send<T>(address: BrokerAddress, slot: BrokerSlot, request: ProtocolRequest<T>): Promise<T> {
    const broker = await this.#connected(address, slot);
    try {
      return await broker.connectionPool.send(request);
    } catch (thrown) {
      this.#discard(slot, broker);
      throw new ConnectionFailure(address, true, thrown);
    }
  }

  async #connected(address: BrokerAddress, slot: BrokerSlot): Promise<DirectBroker> {
    const idle = await slot.broker?.catch(() => undefined);
    if (idle !== undefined && !idle.isConnected()) this.#discard(slot, idle);
    slot.broker ??= this.#connect(address);
    const opening = slot.broker;
    try {
      const broker = await opening;
      if (!this.#closed) return broker;
      end(broker);
      throw new Error('the connections are closed');
    } catch (thrown) {
      if (slot.broker === opening) slot.broker = undefined;
      throw new ConnectionFailure(address, false, thrown);
    }
  }

  async #connect(address: BrokerAddress): Promise<DirectBroker> {
    const broker = await this.#open(address);
    try {
      await broker.connect();
      return broker;
    } catch (thrown) {
      end(broker);
      throw thrown;
    }
  }

  #discard(slot: BrokerSlot, broker: DirectBroker): void {
    slot.broker = undefined;
    end(broker);
  }
}

/** Closes a broker's connections; kafkajs' own `disconnect` would first wait for responses. */
function end({ connectionPool: { pool } }: DirectBroker): void {
  for (const connection of pool) {
    connection.rejectRequests(new Error('the connection was closed'));
    connection.requestQueue.destroy();
    connection.socket?.destroy();
  }
}
