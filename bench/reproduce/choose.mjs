/**
 * Whether the learning rate should fall while LeNet learns: asked of a sixth of the training split that the net does not learn from, so
 * that nothing is chosen with the test split in view. Minutes with TensorFlow's native library; `npm run reproduce` uses the answer.
 *
 *   npm run build && node bench/reproduce/choose.mjs [--seeds N] [--images N]
 */
import { parseArgs } from 'node:util';
import {
  accuracyOf,
  createLeNet,
  lenetLogits,
  pick,
  readMnist,
  startBackend,
  trainNet,
  withClasses,
} from '@headwater/tfjs/training';
import { say } from '../heads/progress.mjs';

const { values: options } = parseArgs({
  options: { seeds: { type: 'string', default: '2' }, images: { type: 'string', default: '30000' } },
});

const backend = await startBackend();
say(backend.title);
const seen = withClasses(await readMnist('train'), (name) => name < '5');
const places = Array.from({ length: seen.count }, (_, place) => place);
const isHeld = (place) => place % 6 === 5;
const learned = places.filter((place) => !isHeld(place)).slice(0, Number(options.images));
const rest = pick(seen, learned);
const held = pick(seen, places.filter(isHeld));
say(`${rest.count} images to learn from, ${held.count} to ask about`);

const found = { constant: [], falling: [] };
for (let seed = 1; seed <= Number(options.seeds); seed++) {
  for (const [name, decay] of [
    ['constant', false],
    ['falling', true],
  ]) {
    const net = createLeNet({ seed });
    await trainNet(net, rest, { rounds: 3, decay, logits: lenetLogits, seed });
    found[name].push(await accuracyOf(net, held));
    say(`seed ${seed}, ${name} rate: ${found[name].at(-1).toFixed(5)}`);
    net.dispose();
  }
}
console.log(JSON.stringify({ learningRate: found, held: held.count, backend: backend.title }));
