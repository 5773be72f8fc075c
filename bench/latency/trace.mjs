/** What became of each label: when it was sent, where its example lies, and when predictions first came of a head that knew it. */
import { setTimeout } from 'node:timers/promises';
import { parseCompositeKey } from '@headwater/schemas';

export class Trace {
  #labelledAt = new Map();
  #examples = new Map();
  /** Of the head of each kind and version: its watermark, mode and number of examples, when it was seen. */
  #heads = new Map();
  /** In order of arrival: [when, watermark] of predictions whose head knew more than those before. */
  #known = [];
  #predictions = 0;
  #settled = undefined;
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

  /** Resolves to the time at which a settled head of so many examples was first seen in a prediction, or in the log. */
  async settled(examples) {
    const deadline = Date.now() + 300_000;
    while (!(this.#settled?.examples >= examples)) {
      if (Date.now() > deadline) throw new Error(`no settled head of ${examples} examples`);
      await setTimeout(20);
    }
    return this.#settled.at;
  }

  /** Milliseconds over the labels from `first` on that were sent until `lastAt`. */
  summary(first, lastAt) {
    const answers = [];
    const parts = { labelToExample: [], exampleToHead: [], headToPrediction: [] };
    let unanswered = 0;
    const heads = [...this.#heads.values()];
    for (const [index, at] of this.#labelledAt) {
      if (index < first) continue;
      const example = this.#examples.get(index);
      const answer = this.#known.find(([when, watermark]) => watermark > example?.offset && when >= at);
      const head = heads.find(({ watermark }) => watermark > example?.offset);
      if (answer === undefined || head === undefined) {
        unanswered += 1;
        continue;
      }
      answers.push(answer[0] - at);
      parts.labelToExample.push(example.at - at);
      parts.exampleToHead.push(head.at - example.at);
      parts.headToPrediction.push(answer[0] - head.at);
    }
    return {
      labels: answers.length,
      unanswered,
      labelToPredictionMs: quantiles(answers),
      partsMs: Object.fromEntries(Object.entries(parts).map(([name, times]) => [name, quantiles(times)])),
      heads: countKinds(heads.filter((head) => head.at <= lastAt)),
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
      this.#heads.set(`${kind} ${version}`, { kind, watermark, at });
      if (mode === 'settled' && !(this.#settled?.examples >= examples)) this.#settled = { examples, at };
    } else {
      await this.#takePrediction(record, codecs);
    }
  }

  async #takePrediction(record, codecs) {
    const { head } = await codecs.predictions.decode(record.value);
    const at = Date.now();
    this.#predictions += 1;
    const watermark = head === null ? undefined : this.#heads.get(`${head.kind} ${head.version}`)?.watermark;
    if (watermark > (this.#known.at(-1)?.[1] ?? -1)) this.#known.push([at, watermark]);
  }
}

function quantiles(times) {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? null;
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99), max: sorted.at(-1) ?? null };
}

/** How many heads of each kind. */
function countKinds(heads) {
  const counts = {};
  for (const { kind } of heads) counts[kind] = (counts[kind] ?? 0) + 1;
  return counts;
}
