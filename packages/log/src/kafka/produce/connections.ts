/**
 * One connection a broker, with one request at a time. A connection on which a request failed or timed out is ended at
 * once, so that no second attempt can begin while the first may still be answered; and kafkajs would read the next
 * response from the rest of the one that was cut off.
 */
import type { BrokerAddress, DirectBroker, ProtocolRequest } from '../client/kafkajs.ts';

/** A request without a response. */
export class ConnectionFailure extends Error {
  override readonly name = 'ConnectionFailure';
  /** false: the request was not sent. */
  readonly mayBeProcessed: boolean;

  constructor({ host, port }: BrokerAddress, mayBeProcessed: boolean, cause: unknown) {
    super(`${host}:${port}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
    this.mayBeProcessed = mayBeProcessed;
  }
}

interface Line {
  broker: Promise<DirectBroker> | undefined;
  /** Resolves when the connection is free. */
  turn: Promise<unknown>;
}

export class Connections {
  readonly #open: (address: BrokerAddress) => Promise<DirectBroker>;
  readonly #lines = new Map<string, Line>();
  #closed = false;

  constructor(open: (address: BrokerAddress) => Promise<DirectBroker>) {
    this.#open = open;
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  /** Errors: ConnectionFailure, after which the connection is gone. */
  send<T>(address: BrokerAddress, request: ProtocolRequest<T>): Promise<T> {
    const line = this.#line(address);
    const sent = line.turn.then(() => this.#send(address, line, request));
    line.turn = sent.catch(() => undefined);
    return sent;
  }

  /** At once: requests that wait for a response fail. */
  close(): void {
    this.#closed = true;
    for (const line of this.#lines.values()) void line.broker?.then(end, () => undefined);
    this.#lines.clear();
  }

  #line(address: BrokerAddress): Line {
    const name = `${address.host}:${address.port}`;
    const known = this.#lines.get(name);
    if (known !== undefined) return known;
    const line: Line = { broker: undefined, turn: Promise.resolve() };
    this.#lines.set(name, line);
    return line;
  }

  async #send<T>(address: BrokerAddress, line: Line, request: ProtocolRequest<T>): Promise<T> {
    const broker = await this.#connected(address, line);
    try {
      return await broker.connectionPool.send(request);
    } catch (thrown) {
      this.#discard(line, broker);
      throw new ConnectionFailure(address, true, thrown);
    }
  }

  async #connected(address: BrokerAddress, line: Line): Promise<DirectBroker> {
    const idle = await line.broker?.catch(() => undefined);
    if (idle !== undefined && !idle.isConnected()) this.#discard(line, idle);
    line.broker ??= this.#connect(address);
    const opening = line.broker;
    try {
      const broker = await opening;
      if (!this.#closed) return broker;
      end(broker);
      throw new Error('the connections are closed');
    } catch (thrown) {
      if (line.broker === opening) line.broker = undefined;
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

  #discard(line: Line, broker: DirectBroker): void {
    line.broker = undefined;
    end(broker);
  }
}

/** kafkajs would first wait for responses. */
function end({ connectionPool: { pool } }: DirectBroker): void {
  for (const connection of pool) {
    connection.rejectRequests(new Error('the connection was ended'));
    connection.requestQueue.destroy();
    connection.socket?.destroy();
  }
}
