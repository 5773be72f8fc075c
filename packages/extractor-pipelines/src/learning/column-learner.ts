/** Learners of vectors: their state is a state of columns, and their parameters are a function of it. */
import type { Value } from '@headwater/extractors';
import { z } from 'zod';
import type { ColumnState, Columns } from './columns.ts';
import { fittingsOf, insufficient, type Learner, type LearnerDefinition } from './fitting.ts';

/** Computes the parameters. Errors: sample-insufficient. */
type Finish<S> = (state: S, records: number) => Readonly<Record<string, unknown>>;

export class ColumnLearner<S extends ColumnState<S>> implements Learner<ColumnLearner<S>> {
  readonly columns: Columns<S>;
  readonly #finish: Finish<S>;

  constructor(columns: Columns<S>, finish: Finish<S>) {
    this.columns = columns;
    this.#finish = finish;
  }

  add(value: Value): void {
    this.columns.add(value);
  }

  merge(other: ColumnLearner<S>): void {
    this.columns.merge(other.columns);
  }

  save() {
    return { columns: this.columns.save() };
  }

  finish(records: number) {
    return this.#finish(this.columns.state, records);
  }
}

interface ColumnDefinition<Options extends Readonly<Record<string, unknown>>, S extends ColumnState<S>>
  extends Omit<LearnerDefinition<Options, ColumnLearner<S>>, 'restore'> {
  /** Reads the JSON that `save` of a state wrote. */
  readonly saved: z.ZodType<S>;
}

/** `fit` and `resume` of a method that learns column by column. */
export function columnFittings<Options extends Readonly<Record<string, unknown>>, S extends ColumnState<S>>({
  saved,
  ...definition
}: ColumnDefinition<Options, S>) {
  return fittingsOf({
    ...definition,
    restore: (options) =>
      z.strictObject({ columns: saved.nullable() }).transform(({ columns }) => {
        const learner = definition.start(options);
        learner.columns.restore(columns);
        return learner;
      }),
  });
}

/** One entry per column. `instead` gives the entry of a column without numbers. */
export function eachColumn<S extends ColumnState<S> & { count(column: number): number }, T>(
  state: S,
  learn: (column: number) => T,
  instead: (column: number) => T,
): T[] {
  return Array.from({ length: state.columns }, (_, column) => {
    return state.count(column) > 0 ? learn(column) : instead(column);
  });
}

/** For `eachColumn`: rejects a column without numbers. Errors: sample-insufficient. */
export function refuseEmpty(method: string, records: number, remedy = '') {
  return (column: number): never => {
    const text = `finds no number in column ${column} of ${records} records`;
    throw insufficient(method, `${text}${remedy}`);
  };
}
