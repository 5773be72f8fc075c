/**
 * Fake brokers over real sockets that implement the part of Kafka's protocol that producers need, with scripted
 * failures. Their logs follow the broker's rules for sequence numbers and epochs.
 */
import { createServer, type Server, type Socket } from 'node:net';
import { Decoder, Encoder } from '../../client/kafkajs.ts';
import { errorCodes } from './error-codes.ts';
import { FakePartition } from './fake-partition.ts';
import { answerApiVersions, answerMetadata } from './fake-responses.ts';
import { FakeTransactions } from './fake-transactions.ts';
import type { ProducedBatch } from './produced-batch.ts';

/**
 * Reaction of a broker to one batch: `append` and acknowledge it, report an error (after writing it or not), or lose
 * the response (after writing it or not) and close the connection or keep it open.
 */
type Reaction =
  | 'append'
  | { readonly error: keyof typeof errorCodes; readonly written?: boolean }
  | { readonly lost: 'closed' | 'silent'; readonly written: boolean };

export interface FakeCluster {
  /** `host:port` of all brokers. */
  readonly brokers: readonly string[];
  /** Sets the broker index of a partition's leader; −1 means none. */
  lead(topic: string, partition: number, node: number): void;
  /** Called for each received batch; may be asynchronous. The default appends. */
  react: (node: number, batch: ProducedBatch) => Reaction | Promise<Reaction>;
  /** Throttle time in Produce responses. */
  throttleMs: number;
  readonly transactions: FakeTransactions;
  /** Values of the records in a partition. */
  values(topic: string, partition: number): readonly string[];
  /** All received batches, with the broker index. */
  readonly arrivals: readonly (ProducedBatch & { readonly node: number; readonly at: number })[];
  close(): Promise<void>;
}

/** `topics` gives the number of partitions; partition `p` is led by broker `p % nodes`. */
export async function startFakeCluster(
  nodes: number,
  topics: Readonly<Record<string, number>>,
): Promise<FakeCluster> {
  const cluster = new Cluster(topics, nodes);
  await cluster.listen(nodes);
  return cluster;
}

class Cluster implements FakeCluster {
  readonly arrivals: (ProducedBatch & { readonly node: number; readonly at: number })[] = [];
  readonly transactions = new FakeTransactions();
  react: FakeCluster['react'] = () => 'append';
  throttleMs = 0;
  readonly #servers: Server[] = [];
  readonly #sockets = new Set<Socket>();
  readonly #partitions = new Map<string, FakePartition>();

  constructor(topics: Readonly<Record<string, number>>, nodes: number) {
    for (const [topic, count] of Object.entries(topics)) {
      for (let partition = 0; partition < count; partition += 1) {
        this.#partitions.set(`${topic}-${partition}`, new FakePartition(topic, partition, partition % nodes));
      }
    }
  }

  get brokers(): readonly string[] {
    return this.#ports.map((port) => `127.0.0.1:${port}`);
  }

  async listen(nodes: number): Promise<void> {
    for (let node = 0; node < nodes; node += 1) {
      const server = createServer((socket) => this.#serve(node, socket));
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      this.#servers.push(server);
    }
  }

  lead(topic: string, partition: number, node: number): void {
    this.#partition(topic, partition).leader = node;
  }

  values(topic: string, partition: number): readonly string[] {
    return this.#partition(topic, partition).values;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await Promise.all(this.#servers.map((server) => new Promise((resolve) => server.close(resolve))));
  }

  get #ports(): number[] {
    return this.#servers.map((server) => (server.address() as { port: number }).port);
  }

  #partition(topic: string, partition: number): FakePartition {
    const found = this.#partitions.get(`${topic}-${partition}`);
    if (found === undefined) throw new Error(`no partition ${topic}-${partition}`);
    return found;
  }

  /** Processes the requests of a connection in sequence, like a broker. */
  #serve(node: number, socket: Socket): void {
    this.#sockets.add(socket);
    let received = Buffer.alloc(0);
    let turn = Promise.resolve();
    socket.on('error', () => undefined);
    socket.on('close', () => this.#sockets.delete(socket));
    socket.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      while (received.length >= 4 && received.length >= 4 + received.readInt32BE(0)) {
        const end = 4 + received.readInt32BE(0);
        const frame = Buffer.from(received.subarray(4, end));
        received = received.subarray(end);
        turn = turn.then(() => this.#handle(node, socket, frame));
      }
    });
  }

  async #handle(node: number, socket: Socket, frame: Buffer): Promise<void> {
    const decoder = new Decoder(frame);
    const [apiKey, version] = [decoder.readInt16(), decoder.readInt16()];
    const correlationId = decoder.readInt32();
    decoder.readString();
    const body = await this.#respond(node, { apiKey, version, decoder, frame });
    if (body === 'silent') await new Promise(() => undefined);
    if (body === 'closed') socket.destroy();
    if (typeof body === 'string') return;
    const response = new Encoder().writeInt32(correlationId).writeEncoder(body);
    socket.write(new Encoder().writeInt32(response.buffer.length).writeEncoder(response).buffer);
  }

  async #respond(
    node: number,
    request: {
      readonly apiKey: number;
      readonly version: number;
      readonly decoder: Decoder;
      readonly frame: Buffer;
    },
  ): Promise<Encoder | 'silent' | 'closed'> {
    if (request.apiKey === 18) return answerApiVersions();
    if (request.apiKey === 3) return answerMetadata(this.#ports, [...this.#partitions.values()]);
    if (request.apiKey === 0) return this.#produce(node, request.decoder);
    return this.transactions.respond(request.apiKey, request.decoder, this.#ports);
  }

  async #produce(node: number, decoder: Decoder): Promise<Encoder | 'silent' | 'closed'> {
    decoder.readString();
    decoder.readInt16();
    decoder.readInt32();
    const batches = decoder
      .readArray(() => {
        const topic = decoder.readString() ?? '';
        return decoder.readArray(() =>
          toBatch(topic, decoder.readInt32(), decoder.readBytes() ?? Buffer.alloc(0)),
        );
      })
      .flat();
    const results: { readonly batch: ProducedBatch; readonly code: number }[] = [];
    let lost: 'closed' | 'silent' | undefined;
    for (const batch of batches) {
      this.arrivals.push({ ...batch, node, at: Date.now() });
      const reaction = await this.react(node, batch);
      if (typeof reaction === 'object' && 'lost' in reaction) lost = reaction.lost;
      results.push({ batch, code: this.#apply(node, batch, reaction) });
    }
    return lost ?? answerProduce(results, this.throttleMs);
  }

  #apply(node: number, batch: ProducedBatch, reaction: Reaction): number {
    const partition = this.#partition(batch.topic, batch.partition);
    if (reaction === 'append') {
      return partition.leader === node ? partition.append(batch) : errorCodes.NOT_LEADER_FOR_PARTITION;
    }
    if (reaction.written) partition.append(batch);
    return 'error' in reaction ? errorCodes[reaction.error] : 0;
  }
}

function answerProduce(
  results: readonly { readonly batch: ProducedBatch; readonly code: number }[],
  throttleMs: number,
): Encoder {
  const topics = results.map(({ batch: { topic, partition }, code }) =>
    new Encoder()
      .writeString(topic)
      .writeArray([
        new Encoder().writeInt32(partition).writeInt16(code).writeInt64('0').writeInt64('-1').writeInt64('0'),
      ]),
  );
  return new Encoder().writeArray(topics).writeInt32(throttleMs);
}

/** Byte positions in a batch. */
const at = { producerId: 43, epoch: 51, sequence: 53 } as const;

function toBatch(topic: string, partition: number, bytes: Buffer): ProducedBatch {
  return {
    topic,
    partition,
    producerId: bytes.readBigInt64BE(at.producerId),
    epoch: bytes.readInt16BE(at.epoch),
    sequence: bytes.readInt32BE(at.sequence),
    bytes,
  };
}
