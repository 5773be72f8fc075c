/** A real Apache Kafka that is stopped or killed, and comes back on the same port with the same data. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type LocalKafka, startLocalKafka } from '@headwater/local-kafka';

const startAttempts = 5;

export class Broker {
  readonly #dataDir: string;
  #kafka: LocalKafka | undefined;
  #port: number | undefined;

  constructor(dataDir: string) {
    this.#dataDir = dataDir;
  }

  get brokers(): readonly string[] {
    return this.#port === undefined ? [] : [`127.0.0.1:${this.#port}`];
  }

  /** On the port that it had before; whoever has taken that meanwhile may have it for a moment only. */
  async start(): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        this.#kafka = await startLocalKafka({ dataDir: this.#dataDir, port: this.#port });
        this.#port = Number(this.#kafka.brokers[0]?.split(':').at(-1));
        return;
      } catch (error) {
        if (attempt === startAttempts) throw error;
        await sleep(1_000);
      }
    }
  }

  async stop(): Promise<void> {
    await this.#kafka?.stop();
    this.#kafka = undefined;
  }

  /** Nothing is flushed, nobody is told: what the disk does not have, the system's page cache has. */
  async kill(): Promise<void> {
    const kafka = this.#kafka;
    if (kafka === undefined) return;
    process.kill(-kafka.pid, 'SIGKILL');
    await kafka.stopped.catch(() => undefined);
    this.#kafka = undefined;
  }
}
