/** What the layout of the code must keep. Each rule returns what breaks it, in words; none where all is well. */
import { posix } from 'node:path';
import type { SourceFile } from './imports.ts';

/** Layers from the bottom up: a package may import those of its own layer and of layers below. */
const layers: readonly (readonly string[])[] = [
  ['packages/errors'],
  ['packages/schemas'],
  ['packages/*', 'deploy/local-kafka'],
  ['services/*'],
  ['demo'],
  ['cli'],
];

/** Pure computation: these must run without Kafka and without a service around them. */
const pure = ['packages/heads', 'packages/extractors', 'packages/extractor-pipelines', 'packages/tfjs'];
const notInPure = ['@headwater/log', '@headwater/blobs', '@headwater/service-kit', '@headwater/http'];

/** The one package that may import a third-party client; tests may, too. */
const clients: Readonly<Record<string, string>> = {
  kafkajs: 'packages/log',
  avsc: 'packages/schemas',
  pino: 'packages/service-kit',
  'prom-client': 'packages/service-kit',
  '@opentelemetry/api': 'packages/service-kit',
  '@opentelemetry/sdk-trace-base': 'packages/service-kit',
  '@aws-sdk/client-s3': 'packages/blobs',
  'onnxruntime-node': 'packages/extractors',
  '@tensorflow/tfjs-core': 'packages/tfjs',
  '@tensorflow/tfjs-layers': 'packages/tfjs',
  lmdb: 'services/classify',
};

/** Source files in one folder, without tests. */
const mostFiles = 15;

export function isTest(path: string): boolean {
  return /\.test\.ts$/.test(path) || path.includes('/testing/') || path.startsWith('packages/testing/');
}

function layerOf(folder: string): number {
  const isIn = (pattern: string) =>
    pattern === folder || (pattern.endsWith('/*') && posix.dirname(folder) === pattern.slice(0, -2));
  return layers.findIndex((patterns) => patterns.some(isIn));
}

/** `packages/log` of `packages/log/src/api.ts`; `cli` of `cli/src/main.ts`. */
export function packageFolder(path: string): string {
  return path.slice(0, path.indexOf('/src/'));
}

/** Why a file of the package `own` must not import the package `name`, whose folder is `other` where it is ours. */
function reasonAgainst(own: string, name: string, other: string | undefined): string | undefined {
  const place = clients[name];
  if (place !== undefined && place !== own) return `only ${place} may`;
  if (other === undefined) return undefined;
  if (name === '@headwater/testing') return 'only tests may';
  if (pure.includes(own) && notInPure.includes(name)) return `${own} is pure computation`;
  if (own.startsWith('services/') && other.startsWith('services/')) return 'services never import each other';
  return layerOf(other) > layerOf(own) ? 'that is of a layer above' : undefined;
}

/** `folders` has the folder of each package of ours by its name. */
export function findLayerFaults(
  sources: readonly SourceFile[],
  folders: ReadonlyMap<string, string>,
): string[] {
  return sources
    .filter(({ path }) => !isTest(path))
    .flatMap(({ path, packages }) =>
      packages.flatMap((name) => {
        const own = packageFolder(path);
        const other = folders.get(name);
        const reason = other === own ? undefined : reasonAgainst(own, name, other);
        return reason === undefined ? [] : [`${path} imports ${name}: ${reason}`];
      }),
    );
}

export function findFullFolders(sources: readonly SourceFile[]): string[] {
  const counts = new Map<string, number>();
  for (const { path } of sources) {
    if (/\.test\.ts$/.test(path)) continue;
    counts.set(posix.dirname(path), (counts.get(posix.dirname(path)) ?? 0) + 1);
  }
  return [...counts]
    .filter(([, count]) => count > mostFiles)
    .map(([folder, count]) => `${folder} has ${count} source files, at most ${mostFiles}`);
}

/** Groups of files (or of packages) each of which is reached from all others of its group (Tarjan, 1972). */
export function findCircles(imports: ReadonlyMap<string, readonly string[]>): string[][] {
  const order = new Map<string, number>();
  const lowest = new Map<string, number>();
  const stack: string[] = [];
  const circles: string[][] = [];
  const visit = (node: string): number => {
    const index = order.size;
    order.set(node, index);
    let low = index;
    stack.push(node);
    for (const next of imports.get(node) ?? []) {
      if (!imports.has(next)) continue;
      const reached = order.has(next) ? order.get(next) : visit(next);
      if (stack.includes(next)) low = Math.min(low, lowest.get(next) ?? reached ?? low);
    }
    lowest.set(node, low);
    if (low === index) {
      const circle = stack.splice(stack.indexOf(node));
      if (circle.length > 1) circles.push(circle);
    }
    return low;
  };
  for (const node of imports.keys()) if (!order.has(node)) visit(node);
  return circles;
}
