/** Sources of images: the MNIST digits, or the files of a folder. */
export { createDigitsSource } from './digits.ts';
export { createFolderSource } from './folder.ts';
export type { ImageSource, SourceImage } from './image-source.ts';
export { encodePng } from './png.ts';
