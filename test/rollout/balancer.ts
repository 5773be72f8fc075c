/**
 * A round-robin HTTP proxy in front of replicas, like a Kubernetes Service: a replica receives requests while its
 * readiness probe succeeds. A request that cannot be forwarded gets 502, and is not tried on another replica.
 */
import { Agent, createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Replica {
  readonly url: string;
  /** The readiness probe; 200 means ready. */
  readonly probeUrl: string;
}

const probeEveryMs = 200;
const probeTimeoutMs = 1_000;

export class Balancer {
  readonly #server: Server;
  readonly #agent = new Agent({ keepAlive: true });
  readonly #end = new AbortController();
  readonly #ready = new Set<Replica>();
  readonly #replicas = new Set<Replica>();
  readonly #probing: Promise<void>;
  #next = 0;
  /** Requests that could not be forwarded. */
  failures = 0;

  private constructor(server: Server) {
    this.#server = server;
    this.#probing = this.#probeAll();
  }

  static async open(): Promise<Balancer> {
    const server = createServer();
    // Idle connections stay open: one that closes while a client reuses it would count as a refused request.
    server.keepAliveTimeout = 0;
    const balancer = new Balancer(server);
    server.on('request', (incoming, outgoing) => {
      const target = balancer.#choose();
      const refuse = (reason: string) => {
        balancer.failures += 1;
        if (outgoing.headersSent) return void outgoing.destroy();
        outgoing.writeHead(502, { 'content-type': 'text/plain' }).end(reason);
      };
      if (target === undefined) return refuse('no replica is ready');
      const forwarded = request(new URL(incoming.url ?? '/', target.url), {
        method: incoming.method,
        headers: { ...incoming.headers, host: new URL(target.url).host },
        agent: balancer.#agent,
      });
      forwarded.once('error', (error) => refuse(error.message));
      forwarded.once('response', (response) => {
        outgoing.writeHead(response.statusCode ?? 502, response.headers);
        response.pipe(outgoing);
        response.once('error', () => outgoing.destroy());
      });
      incoming.pipe(forwarded);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return balancer;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  isReady(replica: Replica): boolean {
    return this.#ready.has(replica);
  }

  add(replica: Replica): void {
    this.#replicas.add(replica);
  }

  remove(replica: Replica): void {
    this.#replicas.delete(replica);
    this.#ready.delete(replica);
  }

  async close(): Promise<void> {
    this.#end.abort();
    await this.#probing;
    this.#agent.destroy();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #choose(): Replica | undefined {
    const ready = [...this.#ready];
    this.#next += 1;
    return ready[this.#next % Math.max(1, ready.length)];
  }

  async #probeAll(): Promise<void> {
    const { signal } = this.#end;
    while (!signal.aborted) {
      await Promise.all([...this.#replicas].map((replica) => this.#probe(replica)));
      await sleep(probeEveryMs, undefined, { signal }).catch(() => undefined);
    }
  }

  async #probe(replica: Replica): Promise<void> {
    const isReady = await fetch(replica.probeUrl, { signal: AbortSignal.timeout(probeTimeoutMs) })
      .then(async (response) => {
        await response.arrayBuffer();
        return response.ok;
      })
      .catch(() => false);
    if (isReady && this.#replicas.has(replica)) this.#ready.add(replica);
    else this.#ready.delete(replica);
  }
}
