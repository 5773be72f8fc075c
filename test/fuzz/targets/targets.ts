/** All targets, by name. */
import type { Target } from '../target.ts';
import { avroTarget } from './avro.ts';
import { classifyTarget } from './classify.ts';
import { httpTarget } from './http.ts';
import { imagesTarget } from './images.ts';
import { recordsTarget } from './records.ts';
import { selfTestTarget } from './self-test.ts';

/** What a campaign runs over. */
export const targets: readonly Target[] = [
  imagesTarget,
  avroTarget,
  recordsTarget,
  httpTarget,
  classifyTarget,
];

export function targetOf(name: string): Target {
  const found = [...targets, selfTestTarget].find((target) => target.name === name);
  if (found === undefined) throw new Error(`there is no target called ${name}`);
  return found;
}
