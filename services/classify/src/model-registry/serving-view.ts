import type { HeadActivated } from '@headwater/schemas';
import type { Activation, HeadsTable } from './heads-table.ts';

/** The activations of the table, and over them those that this process committed and the table may not show yet. */
export class ServingView {
  readonly #table: Pick<HeadsTable, 'activation'>;
  readonly #own = new Map<string, { readonly at: number; readonly activation: HeadActivated | null }>();

  constructor(table: Pick<HeadsTable, 'activation'>) {
    this.#table = table;
  }

  /** A pin in the table, or an activation later than the own one, wins. */
  activation(task: string): Activation | undefined {
    const seen = this.#table.activation(task);
    const own = this.#own.get(task);
    if (own === undefined || seen?.reason === 'pinned' || (seen?.activatedAt ?? 0) > own.at) return seen;
    return own.activation === null ? undefined : { ...own.activation, shadowed: false };
  }

  /** By task; null: no head serves it. */
  committed(serving: ReadonlyMap<string, HeadActivated | null>): void {
    const at = Date.now();
    for (const [task, activation] of serving) this.#own.set(task, { at, activation });
  }
}
