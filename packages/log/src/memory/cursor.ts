/** Reads one partition forward, one chunk per turn of the event loop; can be paused. */
import { asHeadwaterError, type HeadwaterError } from '@headwater/errors';
import type { FetchedChunk } from '../partitions/membership.ts';
import type { MemoryPartition } from './partition.ts';

interface CursorHandler {
  /** The next read waits for the returned promise. */
  handle(chunk: FetchedChunk): Promise<void> | void;
  failed(error: HeadwaterError): void;
}

export class MemoryCursor {
  position: bigint;
  readonly #partition: MemoryPartition;
  readonly #handler: CursorHandler;
  readonly #unlisten: () => void;
  #running = false;
  #paused: boolean;
  #closed = false;

  constructor(partition: MemoryPartition, position: bigint, handler: CursorHandler, paused = false) {
    this.#partition = partition;
    this.position = position;
    this.#handler = handler;
    this.#paused = paused;
    this.#unlisten = partition.listen(() => this.#run());
    this.#run();
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#run();
  }

  seek(position: bigint): void {
    this.position = position;
    this.resume();
  }

  close(): void {
    this.#closed = true;
    this.#unlisten();
  }

  #run(): void {
    if (this.#running || this.#paused || this.#closed) return;
    this.#running = true;
    setImmediate(() => {
      void this.#drain().finally(() => {
        this.#running = false;
        if (this.position < this.#partition.range.high) this.#run();
      });
    });
  }

  async #drain(): Promise<void> {
    if (this.#paused || this.#closed) return;
    try {
      const from = this.position;
      const { records, next } = this.#partition.read(from);
      if (next === from) return;
      this.position = next;
      await this.#handler.handle({ records, from, next, high: this.#partition.range.high });
    } catch (thrown) {
      this.close();
      this.#handler.failed(asHeadwaterError(thrown));
    }
  }
}
