/** The methods of chain steps, each in its own file. To add one, add a file in this folder and a line here. */
import { pixelVector, type StageMethod } from '@headwater/extractors';
import { custom } from './custom/custom.ts';
import { dimensionReducedVector } from './numbers/dimension-reduced-vector.ts';
import { discretizedVector } from './numbers/discretized-vector.ts';
import { indicatorVector } from './numbers/indicator-vector.ts';
import { integerVector } from './numbers/integer-vector.ts';
import { missingImputed } from './numbers/missing-imputed.ts';
import { numericVector } from './numbers/numeric-vector.ts';
import { standardizedVector } from './numbers/standardized-vector.ts';
import { conformedData } from './pictures/conformed-data.ts';
import { field } from './records/field.ts';
import { identity } from './records/identity.ts';
import { segmentedCharacters } from './text/segmented-characters.ts';
import { segmentedWords } from './text/segmented-words.ts';
import { tfidf } from './text/tfidf.ts';

const list: readonly StageMethod[] = [
  conformedData,
  custom,
  dimensionReducedVector,
  discretizedVector,
  field,
  identity,
  indicatorVector,
  integerVector,
  missingImputed,
  numericVector,
  pixelVector,
  segmentedCharacters,
  segmentedWords,
  standardizedVector,
  tfidf,
];

/** `PixelVector`, `pixelvector` and `pixel-vector` are the same name. */
function plain(name: string): string {
  return name.toLowerCase().replaceAll(/[-_ ]/g, '');
}

const table: ReadonlyMap<string, StageMethod> = new Map(list.map((method) => [plain(method.method), method]));

/** All methods. */
export function stageMethods(): readonly StageMethod[] {
  return list;
}

/** Undefined for an unknown name. */
export function stageMethodOf(name: string): StageMethod | undefined {
  return table.get(plain(name));
}
