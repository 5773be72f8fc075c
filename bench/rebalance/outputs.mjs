/** When each partition last gave output: predictions by the partition of the vector that they answer. */
import { sourceHeaders } from '@headwater/log';

export class Outputs {
  /** Partition to times of arrival. */
  #times = new Map();
  #follower;
  total = 0;

  static async follow(log, topic, vectorsTopic) {
    const outputs = new Outputs();
    const onRecords = (records) => {
      for (const { headers } of records) outputs.#take(headers, vectorsTopic);
    };
    outputs.#follower = await log.follow({ topics: [topic], from: 'end', onRecords });
    return outputs;
  }

  /** True where all partitions gave output after `at`. */
  since(at, partitions) {
    return partitions.every((partition) => (this.#times.get(partition)?.at(-1) ?? 0) > at);
  }

  /** Longest time in seconds without output, of the worst of these partitions, that began or went on after `from`; null of none. */
  longestGap(partitions, from) {
    if (partitions.length === 0) return null;
    return Math.max(...partitions.map((partition) => gapOf(this.#times.get(partition) ?? [], from))) / 1_000;
  }

  close() {
    return this.#follower.close();
  }

  #take(headers, vectorsTopic) {
    this.total += 1;
    if (String(headers[sourceHeaders.topic]) !== vectorsTopic) return;
    const partition = Number(headers[sourceHeaders.partition]);
    const times = this.#times.get(partition) ?? [];
    this.#times.set(partition, times);
    times.push(Date.now());
  }
}

function gapOf(times, from) {
  let longest = 0;
  for (let index = 1; index < times.length; index += 1) {
    if (times[index] > from) longest = Math.max(longest, times[index] - times[index - 1]);
  }
  return longest;
}
