/** Vectors and labels, made without a net, as fast as they are asked for. */
import { setTimeout } from 'node:timers/promises';
import { describeExtractor } from '@headwater/extractors';
import { createFingerprintIds, openCodec, openVectorCodec } from '@headwater/schemas';

const classCount = 4;

export class Feed {
  #producer;
  #options;
  #codecs;
  #classes;
  #sent = 0;

  static async open(log, options) {
    const { topics, extractor } = options;
    const ids = createFingerprintIds();
    const { contract } = describeExtractor(extractor);
    const feed = new Feed();
    feed.#options = options;
    feed.#producer = await log.openProducer();
    feed.#codecs = {
      vectors: await openVectorCodec(ids, contract, topics.vectors(extractor)),
      labels: await openCodec(ids, 'LabelAssigned', topics.labels),
    };
    const numbers = () => Float32Array.from({ length: contract.dimensions }, () => Math.random() - 0.5);
    feed.#classes = Array.from({ length: classCount }, numbers);
    return feed;
  }

  /** Labelled images. */
  async fill(count) {
    for (let sent = 0; sent < count; sent += 50) {
      await Promise.all(Array.from({ length: Math.min(50, count - sent) }, () => this.#send(true)));
    }
  }

  /** Images at a steady rate, without labels: solving heads would take the processor. */
  run(perSecond) {
    let goesOn = true;
    const run = async () => {
      const began = Date.now();
      for (let index = 0; goesOn; index += 1) {
        const due = began + (index * 1_000) / perSecond;
        if (due > Date.now()) await setTimeout(due - Date.now());
        this.#send(false).catch(() => undefined);
      }
    };
    const ended = run();
    return {
      stop: () => {
        goesOn = false;
        return ended;
      },
    };
  }

  async #send(isLabelled) {
    const { topics, extractor, task } = this.#options;
    const imageId = `image-${this.#sent++}`;
    const own = this.#sent % classCount;
    const [name, version] = extractor.split('.');
    const vector = this.#classes[own].map((x) => 0.3 * x + Math.random() - 0.5);
    const now = Date.now();
    const ref = { name, version, digest: '00'.repeat(32) };
    const times = { receivedAt: now, extractedAt: now };
    const value = { imageId, extractor: ref, vector, labels: {}, group: null, source: 'bench', ...times };
    const records = [
      { topic: topics.vectors(extractor), key: imageId, value: this.#codecs.vectors.encode(value) },
    ];
    const label = { imageId, task, label: `class-${own}`, assignedAt: now, annotator: 'bench' };
    if (isLabelled)
      records.push({ topic: topics.labels, key: imageId, value: this.#codecs.labels.encode(label) });
    await this.#producer.send(records);
  }
}
