/** All questions, in order. A new one is a file in this folder, and a line here. */
import { chosenLabels } from './chosen-labels.mjs';
import { fewLabels } from './few-labels.mjs';
import { flippedLabels } from './flipped-labels.mjs';
import { layers } from './layers.mjs';
import { liftedDigits } from './lift.mjs';
import { novelty } from './novelty.mjs';
import { allDigits, unseenDigits } from './one-pass.mjs';
import { rareClass } from './rare-class.mjs';
import { speed } from './speed.mjs';

export const questions = [
  unseenDigits,
  fewLabels,
  allDigits,
  rareClass,
  novelty,
  flippedLabels,
  chosenLabels,
  liftedDigits,
  layers,
  speed,
];
