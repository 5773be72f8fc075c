/** The list of methods, for display. */
import type { ValueType } from '@headwater/extractors';
import { stageMethods } from '../methods/method-table.ts';
import { automatic } from './automatic.ts';

export interface MethodEntry {
  readonly method: string;
  readonly takes: readonly ValueType[];
  /** For some methods it depends on the options. */
  readonly gives: ValueType;
  /** Whether it must be fitted, at least with some options. */
  readonly learns: boolean;
}

export function methodEntries(): MethodEntry[] {
  return [automatic, ...stageMethods()].map(({ method, takes, gives, fit }) => ({
    method,
    takes,
    gives,
    learns: fit !== undefined,
  }));
}
