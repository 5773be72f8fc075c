/**
 * Judges a run by what an independent client has read: every sent record against its outputs, the table of
 * examples against the winning labels of the plan, and the digests against those of the examples and of an
 * undisturbed run. It depends on the topics and headers only, not on the services.
 */
import type { Sent } from '../driver.ts';
import type { Plan } from '../plan.ts';
import type { Found, FoundExample, FoundHead, FoundImage, FoundPrediction, FoundVector } from './found.ts';

export interface Finding {
  /** `wrong`: there once, with wrong content. */
  readonly kind: 'lost' | 'duplicate' | 'wrong';
  readonly what: string;
}

export interface Judgement {
  /** Accepted records, or outputs of one, that have no output. */
  readonly lost: number;
  readonly duplicates: number;
  readonly wrong: number;
  readonly findings: readonly Finding[];
  readonly headDigest: string | null;
  /** Of the newest settled head. */
  readonly setDigest: string | null;
  /** Sum over the examples that were read. */
  readonly examplesDigest: string;
  readonly records: Readonly<Record<keyof Found, number>>;
}

export interface Expected {
  readonly plan: Pick<Plan, 'winners'>;
  readonly sent: readonly Sent[];
  /** Start of the plan's times. */
  readonly epoch: number;
}

export function judge(found: Found, { plan, sent, epoch }: Expected): Judgement {
  const findings: Finding[] = [];
  const note = (kind: Finding['kind'], what: string) => findings.push({ kind, what });
  const dead = found.deadLetters.flatMap(({ source }) => source ?? []);
  compareImages(found.images, sent, note);
  compareLabels(found.labels, sent, epoch, note);
  compareOutcomes('vector', found.images, found.vectors, dead, note);
  compareOutcomes('prediction', found.vectors, found.predictions, dead, note);
  const examples = newestByKey(found.examples);
  compareExamples(examples, plan.winners, note);
  const head = compareHeads(found.heads, found.predictions, note);
  const examplesDigest = sumOf(examples);
  const labelled = [...examples].filter(({ value }) => value?.label != null).length;
  if (head !== undefined && head.setDigest !== examplesDigest) {
    note(
      'wrong',
      `the newest settled head, version ${head.version}, has not learned the examples that there are`,
    );
  }
  if (head !== undefined && head.examples !== labelled) {
    note('wrong', `the newest settled head has learned ${head.examples} examples of ${labelled}`);
  }
  for (const { source, reason } of found.deadLetters) note('wrong', `${source} is a dead letter: ${reason}`);
  const count = (kind: Finding['kind']) => findings.filter((finding) => finding.kind === kind).length;
  return {
    lost: count('lost'),
    duplicates: count('duplicate'),
    wrong: count('wrong'),
    findings,
    headDigest: head?.digest ?? null,
    setDigest: head?.setDigest ?? null,
    examplesDigest,
    records: Object.fromEntries(
      Object.entries(found).map(([topic, lines]) => [topic, lines.length]),
    ) as Judgement['records'],
  };
}

type Note = (kind: Finding['kind'], what: string) => void;

/** Accepted records are there, and no more often than they were sent. */
function compareImages(images: Found['images'], sent: readonly Sent[], note: Note): void {
  const bounds = new Bounds();
  for (const { operation, attempts } of sent) {
    if (operation.kind === 'image') bounds.expect(operation.imageId, attempts);
  }
  bounds.compare(
    'image',
    images.map(({ key, value }) => (value === null ? `tombstone of ${key}` : value.imageId)),
    note,
  );
}

function compareLabels(labels: Found['labels'], sent: readonly Sent[], epoch: number, note: Note): void {
  const bounds = new Bounds();
  const nameOf = (imageId: string, assignedAt: number, annotator: string, label: string | null) =>
    `${imageId} ${label ?? 'retracted'} by ${annotator} at ${assignedAt}`;
  for (const { operation, attempts } of sent) {
    if (operation.kind === 'image') continue;
    const { imageId, assignedAt, annotator, label } = operation;
    bounds.expect(nameOf(imageId, assignedAt, annotator, label), attempts);
  }
  const names = labels.map(({ value: { imageId, assignedAt, annotator, label } }) =>
    nameOf(imageId, assignedAt - epoch, annotator, label),
  );
  bounds.compare('label', names, note);
}

/** Number of times that a record was accepted, and sent at most. */
class Bounds {
  readonly #bounds = new Map<string, { least: number; most: number }>();

  expect(name: string, attempts: number): void {
    const { least, most } = this.#bounds.get(name) ?? { least: 0, most: 0 };
    this.#bounds.set(name, { least: least + 1, most: most + attempts });
  }

  compare(what: string, names: readonly string[], note: Note): void {
    const counts = new Map<string, number>();
    for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
    for (const [name, { least, most }] of this.#bounds) {
      const count = counts.get(name) ?? 0;
      if (count < least) note('lost', `${what} ${name}: accepted ${least} times, there ${count} times`);
      if (count > most) note('duplicate', `${what} ${name}: sent ${most} times, there ${count} times`);
    }
    for (const name of counts.keys()) {
      if (!this.#bounds.has(name)) note('wrong', `${what} ${name}: nobody sent it`);
    }
  }
}

/** Each source has exactly one output for the same image, or one dead letter. */
function compareOutcomes(
  what: string,
  sources: readonly (FoundImage | FoundVector)[],
  outcomes: readonly (FoundVector | FoundPrediction)[],
  dead: readonly string[],
  note: Note,
): void {
  const bySource = new Map<string, (string | null)[]>(sources.map(({ place }) => [place, []]));
  const keys = new Map(sources.map(({ place, key }) => [place, key]));
  for (const { place, key, source } of outcomes) {
    const known = source === null ? undefined : bySource.get(source);
    if (known === undefined) note('wrong', `${what} at ${place} comes of no record that there is: ${source}`);
    else known.push(key);
  }
  for (const place of dead) bySource.get(place)?.push(keys.get(place) ?? null);
  for (const [place, found] of bySource) {
    if (found.length === 0) note('lost', `${what} of ${place}`);
    if (found.length > 1) note('duplicate', `${what} of ${place}: there ${found.length} times`);
    if (found.some((key) => key !== keys.get(place))) note('wrong', `${what} of ${place} has another key`);
  }
}

/** The table after compaction; partitions are read in order. */
function newestByKey(examples: Found['examples']): FoundExample[] {
  const newest = new Map<string | null, FoundExample>();
  for (const example of examples) newest.set(example.key, example);
  return [...newest.values()];
}

function compareExamples(
  examples: readonly FoundExample[],
  winners: ReadonlyMap<string, string | null>,
  note: Note,
): void {
  const labels = new Map<string, string | null>();
  for (const { value, key } of examples) {
    if (value === null) continue;
    if (labels.has(value.imageId)) note('duplicate', `example of ${value.imageId} under another key: ${key}`);
    labels.set(value.imageId, value.label);
  }
  for (const [imageId, winner] of winners) {
    const label = labels.get(imageId) ?? null;
    if (label === winner) continue;
    if (label === null) note('lost', `label ${winner} of ${imageId} has not become an example`);
    else note('wrong', `example of ${imageId} says ${label}, and ${winner ?? 'a retraction'} counts`);
  }
  for (const imageId of labels.keys()) {
    if (!winners.has(imageId)) note('wrong', `example of ${imageId}, which nobody labelled`);
  }
}

type Head = NonNullable<FoundHead['value']>;

/** The newest settled head. A version belongs to one head, and predictions name known heads. */
function compareHeads(
  heads: Found['heads'],
  predictions: Found['predictions'],
  note: Note,
): Head | undefined {
  const versions = new Map<number, Head>();
  let newest: Head | undefined;
  for (const { value: head, place } of heads) {
    if (head === null) continue;
    const before = versions.get(head.version);
    if (before !== undefined && !isSameHead(before, head)) {
      note('duplicate', `version ${head.version} was given to two heads, the second at ${place}`);
    }
    versions.set(head.version, head);
    if (head.mode === 'settled' && head.watermark >= (newest?.watermark ?? 0)) newest = head;
  }
  for (const { place, value } of predictions) {
    if (value.head === null || versions.get(value.head.version)?.digest === value.head.digest) continue;
    note('wrong', `prediction at ${place} comes of a head that there is not: version ${value.head.version}`);
  }
  return newest;
}

/** A head is published again when examples came that changed nothing: its watermark alone moves on. */
function isSameHead(one: Head, other: Head): boolean {
  return one.digest === other.digest && one.setDigest === other.setDigest && one.mode === other.mode;
}

function sumOf(examples: readonly FoundExample[]): string {
  let sum = 0n;
  for (const { value } of examples) if (value?.digest != null) sum += BigInt(`0x${value.digest}`);
  return (sum % 2n ** 256n).toString(16).padStart(64, '0');
}
