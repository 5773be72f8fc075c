/**
 * The source's picture: vectors of each class as strips side by side. A column is one vector of 800 numbers, twenty columns of a class
 * stand together; where a net knows a class, its columns look alike.
 */
import { answersOf, pick } from '@headwater/tfjs/training';
import sharp from 'sharp';

const perClass = 20;
const columnWidth = 3;
const gap = 12;
const dimensions = 800;

/** Writes a PNG: classes from left to right, brighter is larger. */
export async function drawStrips(net, images, path) {
  const places = images.classes.flatMap((_, label) => placesOf(images, label));
  const values = await answersOf(net, pick(images, places));
  const brightest = percentile(values, 0.995);
  const stripWidth = perClass * columnWidth;
  const width = images.classes.length * (stripWidth + gap) - gap;
  const pixels = new Uint8Array(width * dimensions).fill(255);
  for (let index = 0; index < places.length; index++) {
    const left = Math.floor(index / perClass) * (stripWidth + gap) + (index % perClass) * columnWidth;
    for (let row = 0; row < dimensions; row++) {
      const shade = Math.min(255, Math.round((255 * values[index * dimensions + row]) / brightest));
      pixels.fill(shade, row * width + left, row * width + left + columnWidth);
    }
  }
  await sharp(pixels, { raw: { width, height: dimensions, channels: 1 } })
    .png()
    .toFile(path);
}

function placesOf(images, label) {
  const places = [];
  for (let place = 0; place < images.count && places.length < perClass; place++) {
    if (images.labels[place] === label) places.push(place);
  }
  return places;
}

function percentile(values, share) {
  const positive = values.filter((value) => value > 0).sort();
  return positive[Math.floor(share * (positive.length - 1))] || 1;
}
