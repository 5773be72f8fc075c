/**
 * Accuracy of retrained layers behind the cut, as in the source, compared with the exact head on the same
 * vectors.
 */
import { trainLayersHead } from '@headwater/heads';
import { layersTrainer } from '../../../services/classify/dist/train/solving/layers-trainer.js';
import { buildSet, draw, exampleAt, indicesOf, inOrder, judgeHead, judgeTrained } from '../examples.mjs';
import { say } from '../progress.mjs';
import { atLeast } from '../targets.mjs';

const digits = [5, 6, 7, 8, 9];
const units = 500;

export const layers = {
  id: 'layers',
  title: 'digits 5 to 9, fully connected layers trained anew (mlp)',
  async measure({ digits: { train, test } }) {
    const [all, tested] = [indicesOf(train, digits), indicesOf(test, digits)];
    const figures = {};
    for (const labels of [1000, all.length]) {
      const examples = draw(all, labels, 1).map((index) => exampleAt(train, index));
      figures[labels] = await compare(examples, test, tested);
      say(`  ${labels} labels: ${JSON.stringify(figures[labels])}`);
    }
    return { figures, targets: [atLeast('accuracy, all labels', figures[all.length].mlp.accuracy, 0.985)] };
  },
};

async function compare(examples, test, tested) {
  const set = buildSet(examples);
  const start = performance.now();
  const head = await trainLayersHead(set, { mode: 'settled' }, layersTrainer(units), inOrder(examples));
  const mlp = judgeTrained(head, (performance.now() - start) / 1000, test, tested);
  return { mlp, lda: judgeHead(set, { kind: 'lda', mode: 'settled' }, test, tested) };
}
