/**
 * Opens the steps of a chain in order, as far as they are fitted. Steps after an unfitted one must wait; the unfitted steps
 * that can be fitted next are the frontier. An artefact is valid only after the same steps as at the time of fitting.
 */
import { HeadwaterError } from '@headwater/errors';
import type { Stage, StageMethod, ValueType } from '@headwater/extractors';
import { isExpanding } from './automatic.ts';
import { concatenateBranches, type JoinedBranch } from './branches.ts';
import { type ChainContext, methodOf, needsFitting, optionsOf, withStepContext } from './chain-context.ts';
import { type BranchesStep, type ChainStep, type MethodStep, type RawStep, stepsAt } from './chain-file.ts';
import { checkTakes, checkVector } from './chain-types.ts';
import { digestOfAll, dimensionsAfter, type PlacedStage, sequenceOf } from './sequence.ts';

/** An unfitted step that can be fitted now: all steps before it are open. */
export interface UnfittedStep {
  readonly link: MethodStep;
  readonly method: StageMethod;
  readonly options: Readonly<Record<string, unknown>>;
  /** The steps before it. */
  readonly before: readonly PlacedStage[];
  /** Digest over `before`. */
  readonly basis: string;
}

function typeAfter(stages: readonly PlacedStage[]): ValueType {
  return stages.at(-1)?.stage.gives ?? 'record';
}

/**
 * Steps do not declare how many numbers they take, so they are tried with as many zeros as they will be given. A failure to
 * compute something from zeros is not an error. Errors: config-invalid.
 */
async function checkDimensions(given: number | null, stage: Stage): Promise<void> {
  if (given === null || !stage.takes.includes('vector')) return;
  try {
    await stage.apply({ type: 'vector', vector: new Float32Array(given) });
  } catch (cause) {
    const isUnfit = cause instanceof HeadwaterError && cause.code === 'record-unfit';
    if (isUnfit)
      throw new HeadwaterError('config-invalid', `given ${given} numbers: ${cause.message}`, { cause });
  }
}

/** Fitted with other options, or by another version. */
function isOutdated(thrown: unknown): boolean {
  return thrown instanceof HeadwaterError && ['config-invalid', 'model-invalid'].includes(thrown.code);
}

export class ChainOpening {
  readonly frontier: UnfittedStep[] = [];
  private readonly context: ChainContext;
  private readonly opened: Stage[] = [];

  constructor(context: ChainContext) {
    this.context = context;
  }

  /**
   * The open steps; undefined if some of them must be fitted first: `frontier` then holds those that can be fitted. Errors:
   * config-invalid, model-invalid and those of methods; `close` then releases what was opened.
   */
  async open(
    links: readonly ChainStep[],
    before: readonly PlacedStage[] = [],
  ): Promise<PlacedStage[] | undefined> {
    const stages: PlacedStage[] = [];
    for (const link of links) {
      const stage = await this.openLink(link, [...before, ...stages]);
      if (!stage) return undefined;
      stages.push({ place: link.place, stage });
    }
    return stages;
  }

  /** Engine descriptions of nets and modules, for the log. */
  engines(): string[] {
    return [...new Set(this.opened.flatMap((stage) => ('engine' in stage ? [String(stage.engine)] : [])))];
  }

  /** Notices of all steps. */
  notes(): string[] {
    return this.opened.flatMap((stage) => ('notes' in stage ? (stage.notes as string[]) : []));
  }

  async close(): Promise<void> {
    const closing = this.opened.splice(0).map(async (stage) => await stage.close?.());
    await Promise.allSettled(closing);
  }

  private async openLink(link: ChainStep, before: readonly PlacedStage[]): Promise<Stage | undefined> {
    if (link.kind === 'branches') return await this.openBranches(link, before);
    try {
      return await this.openMethod(link, before);
    } catch (thrown) {
      throw withStepContext(this.context, link, thrown);
    }
  }

  private async openMethod(link: MethodStep, before: readonly PlacedStage[]): Promise<Stage | undefined> {
    const method = methodOf(this.context, link);
    const options = optionsOf(this.context, link);
    const place: UnfittedStep = { link, method, options, before, basis: digestOfAll(before) };
    const opened = this.isReady(place) ? await this.openReady(place) : undefined;
    if (!opened) {
      this.frontier.push(place);
      return undefined;
    }
    if (!('takes' in opened)) return await this.openExpanded(link, opened, before);
    this.opened.push(opened);
    checkTakes(typeAfter(before), opened);
    await checkDimensions(dimensionsAfter(before), opened);
    return opened;
  }

  /** Errors: model-invalid if the step was fitted after other steps than those before it now. */
  private isReady({ link, method, options, basis }: UnfittedStep): boolean {
    if (!needsFitting(method, options)) return true;
    const known = this.context.artefacts.get(link.place);
    if (known === undefined || known.basis === basis) return known !== undefined;
    if (this.context.learning) return false;
    const message = 'fitted after other steps than those before it now;';
    throw new HeadwaterError('model-invalid', `${message} ${this.context.howToFit}`);
  }

  /** The step, or those that it expands to; undefined if its artefact is outdated and it may be fitted again. */
  private async openReady({
    link,
    method,
    options,
  }: UnfittedStep): Promise<Stage | readonly RawStep[] | undefined> {
    const artefact = this.context.artefacts.get(link.place)?.artefact;
    try {
      if (isExpanding(method)) return method.expand(options, artefact);
      return await method.open(options, artefact, this.context.settings);
    } catch (thrown) {
      if (this.context.learning && needsFitting(method, options) && isOutdated(thrown)) return undefined;
      throw thrown;
    }
  }

  private async openExpanded(
    { place }: MethodStep,
    links: readonly RawStep[],
    before: readonly PlacedStage[],
  ): Promise<Stage | undefined> {
    const stages = await this.open(stepsAt(links, place), before);
    return stages && sequenceOf(stages);
  }

  private async openBranches(
    { branches, place }: BranchesStep,
    before: readonly PlacedStage[],
  ): Promise<Stage | undefined> {
    const joined: JoinedBranch[] = [];
    for (const { name, weight, links } of branches) {
      const stages = await this.open(links, before);
      if (!stages) continue;
      // A branch of identity steps gives as many numbers as it is given.
      const stage = { ...sequenceOf(stages), dimensions: dimensionsAfter([...before, ...stages]) };
      checkVector(this.context, `the branch ${place}.${name}`, stage.gives);
      if (stage.dimensions === null)
        throw unknownDimensions(this.context.file, `the branch ${place}.${name}`);
      joined.push({ name, weight, stage });
    }
    return joined.length === branches.length ? concatenateBranches(joined) : undefined;
  }
}

export function unknownDimensions(file: string, where: string): HeadwaterError {
  return new HeadwaterError('config-invalid', `${file}: ${where} does not declare its number of dimensions`);
}
