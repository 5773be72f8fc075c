/**
 * Compares acknowledged records with those that a reader of committed records found: none missing, none
 * twice, in each sender's order.
 */
import type { Call, Ledger } from './ledger.ts';

export interface Counts {
  /** Acknowledged records that are in no log. */
  readonly missing: number;
  /** Records that are there more than once, acknowledged or not. */
  readonly twice: number;
  /** Acknowledged records that come after a later one of the same sender in their partition. */
  readonly outOfOrder: number;
  /** Transactions in doubt of which only a part is there. */
  readonly torn: number;
  /** Records that no sender sent. */
  readonly foreign: number;
  /** Messages of the first few findings. */
  readonly findings: readonly string[];
}

const mostFindings = 20;

export class Counting {
  readonly #seen = new Map<string, Map<number, number>>();
  /** Numbers in the order of each partition, by sender. */
  readonly #orders = new Map<string, { readonly sender: string; readonly numbers: number[] }>();

  /** In the order of each partition. */
  add(topic: string, partition: number, value: string): void {
    const [sender = '', text = ''] = value.split(' ');
    const number = Number(text);
    const seen = this.#seen.get(sender) ?? new Map<number, number>();
    this.#seen.set(sender, seen);
    seen.set(number, (seen.get(number) ?? 0) + 1);
    const place = `${topic}-${partition} ${sender}`;
    const order = this.#orders.get(place);
    if (order === undefined) this.#orders.set(place, { sender, numbers: [number] });
    else order.numbers.push(number);
  }

  compare({ calls }: Pick<Ledger, 'calls'>): Counts {
    const findings: string[] = [];
    const note = (words: string) => {
      if (findings.length < mostFindings) findings.push(words);
    };
    const acknowledged = numbersOf(calls.filter(({ isAcknowledged }) => isAcknowledged));
    return {
      missing: this.#missing(acknowledged, note),
      twice: this.#twice(note),
      outOfOrder: this.#outOfOrder(acknowledged, note),
      torn: this.#torn(calls, note),
      foreign: this.#foreign(numbersOf(calls), note),
      findings,
    };
  }

  #count(sender: string, number: number): number {
    return this.#seen.get(sender)?.get(number) ?? 0;
  }

  #missing(acknowledged: Numbers, note: Note): number {
    let missing = 0;
    for (const [sender, numbers] of acknowledged) {
      for (const number of numbers) {
        if (this.#count(sender, number) > 0) continue;
        missing += 1;
        note(`missing: ${sender} ${number}`);
      }
    }
    return missing;
  }

  #twice(note: Note): number {
    let twice = 0;
    for (const [sender, counts] of this.#seen) {
      for (const [number, count] of counts) {
        if (count < 2) continue;
        twice += 1;
        note(`there ${count} times: ${sender} ${number}`);
      }
    }
    return twice;
  }

  #outOfOrder(acknowledged: Numbers, note: Note): number {
    let outOfOrder = 0;
    for (const [place, { sender, numbers }] of this.#orders) {
      let highest = -1;
      for (const number of numbers) {
        if (!acknowledged.get(sender)?.has(number)) continue;
        if (number < highest) {
          outOfOrder += 1;
          note(`out of order: ${place} ${number} after ${highest}`);
        }
        highest = Math.max(highest, number);
      }
    }
    return outOfOrder;
  }

  #torn(calls: readonly Call[], note: Note): number {
    let torn = 0;
    for (const { sender, first, count, isAcknowledged, isAtomic } of calls) {
      if (isAcknowledged || !isAtomic) continue;
      const found = range(first, count).filter((number) => this.#count(sender, number) > 0).length;
      if (found === 0 || found === count) continue;
      torn += 1;
      note(`torn: ${found} of ${count} records of ${sender} from ${first} on`);
    }
    return torn;
  }

  #foreign(sent: Numbers, note: Note): number {
    let foreign = 0;
    for (const [sender, counts] of this.#seen) {
      for (const number of counts.keys()) {
        if (sent.get(sender)?.has(number)) continue;
        foreign += 1;
        note(`foreign: ${sender} ${number}`);
      }
    }
    return foreign;
  }
}

type Note = (words: string) => void;
type Numbers = ReadonlyMap<string, ReadonlySet<number>>;

function numbersOf(calls: readonly Call[]): Numbers {
  const numbers = new Map<string, Set<number>>();
  for (const { sender, first, count } of calls) {
    const own = numbers.get(sender) ?? new Set<number>();
    numbers.set(sender, own);
    for (const number of range(first, count)) own.add(number);
  }
  return numbers;
}

const range = (first: number, count: number) => Array.from({ length: count }, (_, index) => first + index);
