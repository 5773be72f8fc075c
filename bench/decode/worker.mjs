/**
 * Decodes in a separate process with the checkout that ROOT names. Each message requests one image several
 * times; the reply is the processor time of this process, in milliseconds.
 */
import { pathToFileURL } from 'node:url';

const { ROOT = '' } = process.env;
const { decodeImage } = await import(
  pathToFileURL(`${ROOT}/packages/extractors/dist/images/decoder.js`).href
);
const limits = { maxBytes: 2 ** 25, maxPixels: 2 ** 26 };

process.on('message', async ({ image, preprocessing, times }) => {
  const begun = process.cpuUsage();
  for (let time = 0; time < times; time += 1) await decodeImage(image, preprocessing, limits);
  const { user, system } = process.cpuUsage(begun);
  process.send((user + system) / 1_000);
});
process.send('ready');
