/**
 * A network between clients and one broker that can be cut in one direction, or slowed. Clients use the
 * proxy's port; brokers reach each other directly. Held bytes arrive when the cut heals, as TCP would resend
 * them, unless the connection is dropped.
 */
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** `requests` go to the broker, `responses` come from it. */
export type Direction = 'requests' | 'responses';

interface Held {
  readonly chunk: Buffer;
  readonly from: Socket;
  readonly to: Socket;
}

export class BrokerProxy {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #target: number | undefined;
  #cut: Direction | undefined;
  #delayMs = 0;
  #held: Held[] = [];

  private constructor(server: Server) {
    this.#server = server;
  }

  static async open(): Promise<BrokerProxy> {
    const server = createServer();
    const proxy = new BrokerProxy(server);
    server.on('connection', (client) => proxy.#connect(client));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** The broker's own port. Until it is known, connections are refused. */
  leadTo(port: number): void {
    this.#target = port;
  }

  /** Holds back all bytes in this direction, also over new connections. */
  cut(direction: Direction): void {
    this.#cut = direction;
  }

  /** Delays each piece by this time in both directions; pieces keep their order. */
  slow(delayMs: number): void {
    this.#delayMs = delayMs;
  }

  /** Forwards the held bytes. */
  heal(): void {
    this.#cut = undefined;
    this.#delayMs = 0;
    for (const { chunk, from, to } of this.#held.splice(0)) write(chunk, from, to);
  }

  /** Ends all connections and drops their held bytes, as after a TCP time-out. */
  drop(): void {
    this.#held = [];
    for (const socket of this.#sockets) socket.destroy();
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.drop();
    await closed;
  }

  #connect(client: Socket): void {
    if (this.#target === undefined) {
      client.destroy();
      return;
    }
    const broker = connect({ port: this.#target, host: '127.0.0.1' });
    for (const socket of [client, broker]) this.#sockets.add(socket.setNoDelay());
    this.#join(client, broker, 'requests');
    this.#join(broker, client, 'responses');
  }

  #join(from: Socket, to: Socket, direction: Direction): void {
    from.on('data', (chunk: Buffer) => this.#pass({ chunk, from, to }, direction));
    from.on('error', () => to.destroy());
    from.on('end', () => to.end());
    from.on('close', () => {
      this.#sockets.delete(from);
      to.destroySoon();
    });
  }

  #pass(held: Held, direction: Direction): void {
    if (this.#cut === direction) {
      held.from.pause();
      this.#held.push(held);
    } else if (this.#delayMs > 0) {
      held.from.pause();
      setTimeout(() => this.#passLate(held, direction), this.#delayMs);
    } else write(held.chunk, held.from, held.to);
  }

  /** After its delay; a cut may have come meanwhile. */
  #passLate(held: Held, direction: Direction): void {
    if (this.#cut === direction) this.#held.push(held);
    else write(held.chunk, held.from, held.to);
  }
}

/** Reads more from one side when the other has taken this piece. */
function write(chunk: Buffer, from: Socket, to: Socket): void {
  if (to.destroyed) return;
  if (to.write(chunk)) {
    from.resume();
    return;
  }
  from.pause();
  to.once('drain', () => from.resume());
}
