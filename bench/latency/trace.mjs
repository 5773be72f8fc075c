/**
 * Times of each label: when it was sent, the place of its example, and the first predictions of a head that
 * learned it.
 */
import { setTimeout } from 'node:timers/promises';
import { parseCompositeKey } from '@headwater/schemas';

export class Trace {
  #labelledAt = new Map();
  #examples = new Map();
  /** By kind and version of a head: its watermark, and when it was seen. */
  #heads = new Map();
  /** In order of arrival: predictions of a head with a higher watermark than all before. */
  #known = [];
  /** Kind to predictions. */
  #predictions = {};
  /** In order of arrival: settled heads, and the first prediction of each. */
  #settledHeads = [];
  #settledAnswers = [];
  #follower;

  static async follow(log, topics, codecs) {
    const trace = new Trace();
    const onRecords = async (records) => {
      for (const record of records) await trace.#take(record, topics, codecs);
    };
    const names = [topics.examples, topics.heads, topics.predictions];
    trace.#follower = await log.follow({ topics: names, from: 'end', onRecords });
    return trace;
  }

  labelled(index, at) {
    this.#labelledAt.set(index, at);
  }

  /** Resolves to the time at which each kind had a settled head of this number of examples. */
  async settled(examples, kinds) {
    const first = (kind) =>
      this.#settledHeads.find((head) => head.kind === kind && head.examples >= examples)?.at;
    return Math.max(...(await Promise.all(kinds.map((kind) => waitFor(() => first(kind), kind)))));
  }

  /** Resolves to the time of the first prediction by a settled head of this number of examples. */
  async answeredBySettled(examples) {
    return waitFor(() => this.#settledAnswers.find((head) => head.examples >= examples)?.answeredAt, 'any');
  }

  /** Milliseconds over the labels from `first` on that were sent until `lastAt`. */
  summary(first, lastAt) {
    const answers = [];
    const parts = { labelToExample: [], exampleToHead: [], headToPrediction: [] };
    let unanswered = 0;
    for (const [index, at] of this.#labelledAt) {
      if (index < first) continue;
      const example = this.#examples.get(index);
      const answer = this.#known.find(({ when, head }) => head.watermark > example?.offset && when >= at);
      if (answer === undefined) {
        unanswered += 1;
        continue;
      }
      answers.push(answer.when - at);
      parts.labelToExample.push(example.at - at);
      parts.exampleToHead.push(answer.head.at - example.at);
      parts.headToPrediction.push(answer.when - answer.head.at);
    }
    return {
      labels: answers.length,
      unanswered,
      labelToPredictionMs: quantiles(answers),
      partsMs: Object.fromEntries(Object.entries(parts).map(([name, times]) => [name, quantiles(times)])),
      heads: countKinds([...this.#heads.values()].filter((head) => head.at <= lastAt)),
      predictions: this.#predictions,
    };
  }

  close() {
    return this.#follower.close();
  }

  async #take(record, topics, codecs) {
    if (record.value === null) return;
    if (record.topic === topics.examples) {
      const imageId = parseCompositeKey(record.key.toString())[2];
      const index = Number(imageId.slice('image-'.length));
      this.#examples.set(index, { offset: Number(record.offset), at: Date.now() });
    } else if (record.topic === topics.heads) {
      const { kind, version, watermark, mode, examples } = await codecs.heads.decode(record.value);
      const at = Date.now();
      const head = { kind, watermark, mode, examples, at };
      this.#heads.set(`${kind} ${version}`, head);
      if (mode === 'settled') this.#settledHeads.push(head);
    } else {
      await this.#takePrediction(record, codecs);
    }
  }

  async #takePrediction(record, codecs) {
    const { head } = await codecs.predictions.decode(record.value);
    const at = Date.now();
    if (head === null) return;
    this.#predictions[head.kind] = (this.#predictions[head.kind] ?? 0) + 1;
    const known = this.#heads.get(`${head.kind} ${head.version}`);
    if (known === undefined) return;
    if (known.mode === 'settled' && known.answeredAt === undefined) {
      known.answeredAt = at;
      this.#settledAnswers.push(known);
    }
    if (known.watermark > (this.#known.at(-1)?.head.watermark ?? -1))
      this.#known.push({ when: at, head: known });
  }
}

async function waitFor(find, kind) {
  const deadline = Date.now() + 300_000;
  for (;;) {
    const found = find();
    if (found !== undefined) return found;
    if (Date.now() > deadline) throw new Error(`no settled head (${kind})`);
    await setTimeout(20);
  }
}

function quantiles(times) {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? null;
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99), max: sorted.at(-1) ?? null };
}

/** Number of heads of each kind. */
function countKinds(heads) {
  const counts = {};
  for (const { kind } of heads) counts[kind] = (counts[kind] ?? 0) + 1;
  return counts;
}
