/** Answers for the whole installation: from this process and from the others that own partitions, merged. */
import { compareUtf8 } from '@headwater/heads';
import type { Gathered, PeerResponse, Peers } from '@headwater/http';
import { partitionFor } from '@headwater/log';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { TaskViews } from '../api/task-views.ts';
import { newestPredictions, orderedOutcomes } from '../join/monitoring/join-reader.ts';
import type { LocalAnswers } from './local-answers.ts';
import { MergedJoin, MergedTrain } from './merged-views.ts';
import {
  type AnswersByQuestion,
  decodeVector,
  type QuestionKind,
  type QuestionParameters,
  questionPath,
} from './questions.ts';

type Group = 'join' | 'train';

export interface InstallationOptions {
  /** Undefined: this process answers alone. */
  readonly peers: Peers | undefined;
  readonly local: LocalAnswers;
  /** Of this process. */
  readonly views: TaskViews;
  readonly groups: Readonly<Record<Group, string>>;
  /** Numbers of partitions. */
  readonly partitions: Readonly<Record<Group, number>>;
}

/** How complete an answer is, and as of when; members of the response. */
export interface Completeness {
  /** Milliseconds since the epoch; the oldest part counts. */
  readonly asOf: number;
  /** Left out where nothing is missing. */
  readonly partial?: true;
  /** Partitions that no process answered for, by group. */
  readonly missing?: Readonly<Record<Group, readonly number[]>>;
}

export interface GatheredViews {
  readonly views: TaskViews;
  readonly completeness: Completeness;
}

type CallerOf = Pick<FastifyRequest, 'caller' | 'peer'>;

export class Installation {
  readonly #options: InstallationOptions;

  constructor(options: InstallationOptions) {
    this.#options = options;
  }

  /** Of one task, or of all. Errors: group-rebalancing. */
  async views(request: CallerOf, task?: string): Promise<GatheredViews> {
    const { views, partitions } = this.#options;
    const trainers = task === undefined ? undefined : [this.#trainPartition(task)];
    const [join, train] = await Promise.all([
      this.#gather('join', 'join', { task }, request),
      this.#gather('train', 'train', { task }, request, trainers),
    ]);
    const trained = new Set(train.answers.flatMap((answer) => [...answer.partitions]));
    return {
      views: views.with({
        joinMetrics: new MergedJoin(join.answers),
        trainMetrics: new MergedTrain(train.answers.flatMap(({ series }) => series)),
        coverage: () => ({ partitions: covered(join), ofPartitions: partitions.join }),
        trainsHere: (asked) => trained.has(this.#trainPartition(asked)),
      }),
      completeness: this.#completeness({ join, train }),
    };
  }

  /** Views that know the task, of this process where it does. Errors: group-rebalancing, not-found. */
  async viewsOf(request: CallerOf, task: string): Promise<TaskViews> {
    const own = this.#options.views;
    const views = own.tasks().includes(task) ? own : (await this.views(request, task)).views;
    views.task(task);
    return views;
  }

  /** Errors: group-rebalancing. */
  async outcomes(request: CallerOf, task: string) {
    const found = await this.#gather('join', 'outcomes', { task }, request);
    return {
      outcomes: orderedOutcomes(found.answers.flatMap(({ outcomes }) => outcomes)),
      ...this.#covered(found),
    };
  }

  /** Errors: group-rebalancing. */
  async predictions(request: CallerOf, task: string, limit: number) {
    const found = await this.#gather('join', 'predictions', { task, limit }, request);
    const predictions = found.answers.flatMap((answer) => answer.predictions);
    return { predictions: newestPredictions(predictions, limit), ...this.#covered(found) };
  }

  /** Errors: group-rebalancing, not-found, head-not-ready. */
  async next(request: CallerOf, task: string, limit: number) {
    const found = await this.#gather('join', 'next', { task, limit }, request);
    const images = found.answers
      .flatMap((answer) => answer.images)
      .sort((a, b) => b.priority - a.priority || compareUtf8(a.imageId, b.imageId));
    return {
      considered: found.answers.reduce((sum, { considered }) => sum + considered, 0),
      images: images.slice(0, limit),
      ...this.#covered(found),
    };
  }

  /** The vector of an image, from the owner of its partition. Errors: group-rebalancing, peer-unavailable. */
  async vector(request: CallerOf, imageId: string, extractor: string): Promise<Int16Array | undefined> {
    const { partitions } = this.#options;
    const owner = [partitionFor(imageId, partitions.join)];
    const found = await this.#gather('join', 'vector', { imageId, extractor }, request, owner);
    const vector = found.answers.find((answer) => answer.vector !== null)?.vector ?? undefined;
    if (vector !== undefined) return decodeVector(vector);
    const { peers } = this.#options;
    if (peers !== undefined && found.missing.length > 0) throw peers.unanswered(found.missing[0] ?? 0);
    return undefined;
  }

  /**
   * The answer of the process that trains the task: `local` computes it there, and throws partition-elsewhere in any
   * other. Errors: group-rebalancing, peer-unavailable, and those of `local`.
   */
  async atTrainer<T>(
    request: FastifyRequest,
    reply: FastifyReply,
    task: string,
    signal: AbortSignal,
    local: () => Promise<T>,
  ): Promise<T | FastifyReply> {
    const { peers, groups } = this.#options;
    if (peers === undefined || request.peer !== null) return local();
    const question = { group: groups.train, path: targetOf(request.url), caller: request.caller, signal };
    const answer = await peers.owner(this.#trainPartition(task), question, local);
    return 'local' in answer ? answer.local : relay(reply, answer.remote);
  }

  #trainPartition(task: string): number {
    return partitionFor(task, this.#options.partitions.train);
  }

  /** `wanted`: the partitions whose owners are asked; default: all. */
  async #gather<K extends QuestionKind>(
    group: Group,
    kind: K,
    parameters: QuestionParameters,
    { caller, peer }: CallerOf,
    wanted: readonly number[] = [...Array(this.#options.partitions[group]).keys()],
  ): Promise<Gathered<AnswersByQuestion[K]>> {
    const { peers, local, groups } = this.#options;
    const own = () => local.answer(kind, parameters);
    // A question about another process's partitions is a new one: it is answered there, and travels no further.
    if (peers === undefined || (peer !== null && kind !== 'vector'))
      return { answers: [await own()], missing: [] };
    const question = { group: groups[group], path: questionPath(kind, parameters), caller };
    return peers.gather(wanted, question, own);
  }

  #covered(found: Gathered<AnswersByQuestion['outcomes' | 'predictions' | 'next']>) {
    return {
      partitions: covered(found),
      ofPartitions: this.#options.partitions.join,
      ...this.#completeness({ join: found }),
    };
  }

  #completeness(found: Partial<Record<Group, Gathered<{ readonly asOf: number }>>>): Completeness {
    const missing = { join: found.join?.missing ?? [], train: found.train?.missing ?? [] };
    const times = Object.values(found).flatMap(({ answers }) => answers.map(({ asOf }) => asOf));
    const asOf = Math.min(Date.now(), ...times);
    const isPartial = missing.join.length > 0 || missing.train.length > 0;
    return isPartial ? { asOf, partial: true, missing } : { asOf };
  }
}

/** The completeness of an answer that has two parts. */
export function mergeCompleteness(a: Completeness, b: Completeness): Completeness {
  const asOf = Math.min(a.asOf, b.asOf);
  if (a.partial !== true && b.partial !== true) return { asOf };
  const union = (group: Group) =>
    [...new Set([...(a.missing?.[group] ?? []), ...(b.missing?.[group] ?? [])])].sort((x, y) => x - y);
  return { asOf, partial: true, missing: { join: union('join'), train: union('train') } };
}

function covered({ answers }: Gathered<{ readonly partitions: readonly number[] }>): number[] {
  return answers.flatMap(({ partitions }) => [...partitions]).sort((a, b) => a - b);
}

/** The path and query of a request target, which may be an absolute URL. */
function targetOf(url: string): string {
  return url.replace(/^https?:\/\/[^/?]*/i, '');
}

function relay(reply: FastifyReply, { status, type, body }: PeerResponse): FastifyReply {
  if (status === 503) reply.header('retry-after', '1');
  return reply
    .code(status)
    .type(type)
    .serializer((raw: string) => raw)
    .send(body.toString('utf8'));
}
