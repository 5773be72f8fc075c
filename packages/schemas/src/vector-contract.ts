/**
 * Converts vector contracts to Avro schemas and back. The vector is a `fixed` of 4 × dimensions bytes, so that another
 * size cannot be encoded, registered or decoded; its logical type contains the contract. Each extractor has its own
 * namespace, so that generated classes of two extractors can be in one program.
 */
import { HeadwaterError } from '@headwater/errors';
import type { AvroSchema, VectorContract } from './api.ts';

const normalizations: readonly string[] = [
  'none',
  'unit',
  'standardized',
] satisfies VectorContract['normalization'][];

/** Largest number of dimensions of a contract, 256 KiB per vector. */
export const maximumDimensions = 65_536;

const time = { type: 'long', logicalType: 'timestamp-millis' };

/** The `VectorExtracted` schema of one extractor. Errors: config-invalid. */
export function vectorSchema(contract: VectorContract): AvroSchema {
  assertContract(contract);
  return {
    type: 'record',
    name: 'VectorExtracted',
    namespace: namespaceOf(contract.extractor),
    doc: `A vector that ${contract.extractor} extracted. Topic vectors.${contract.extractor}, key image id; a null record value erases the vector.`,
    fields: [
      { name: 'imageId', type: 'string', doc: "Image id; equal to the record's key." },
      { name: 'extractor', type: extractorRef, doc: 'Who extracted the vector.' },
      { name: 'vector', type: vectorType(contract), doc: contract.description },
      {
        name: 'labels',
        type: { type: 'map', values: 'string' },
        default: {},
        doc: 'Labels known at the source, by task; they count as assigned at receivedAt.',
      },
      {
        name: 'group',
        type: ['null', 'string'],
        default: null,
        doc: 'Names near-duplicates that belong together; null when the image stands alone.',
      },
      { name: 'source', type: 'string', default: '', doc: 'Where the image came from.' },
      { name: 'receivedAt', type: time, doc: 'When the image entered the system.' },
      { name: 'extractedAt', type: time, doc: 'When the vector was extracted.' },
    ],
  };
}

const extractorRef = {
  type: 'record',
  name: 'ExtractorRef',
  doc: 'Names an extractor exactly.',
  fields: [
    { name: 'name', type: 'string', doc: 'Name without the version, e.g. lenet-digits.' },
    { name: 'version', type: 'string', doc: 'Version, e.g. v1.' },
    { name: 'digest', type: 'string', doc: 'SHA-256 over weights and preprocessing, lower-case hex.' },
  ],
};

function vectorType(contract: VectorContract) {
  const { extractor, elementType, dimensions, byteOrder, normalization } = contract;
  return {
    type: 'fixed',
    name: 'Vector',
    size: 4 * dimensions,
    logicalType: 'vector',
    extractor,
    elementType,
    dimensions,
    byteOrder,
    normalization,
  };
}

/** `lenet-digits.v1` → `…lenet_digits__v1`; unique because ids contain no underscores. */
function namespaceOf(extractor: string): string {
  return `headwater.v1.vectors.${extractor.replaceAll('.', '__').replaceAll('-', '_')}`;
}

function assertContract(contract: VectorContract): void {
  const problem = problemOf(contract);
  if (problem === undefined) return;
  throw new HeadwaterError('config-invalid', `the vector contract of ${contract.extractor} ${problem}`);
}

function problemOf(contract: VectorContract): string | undefined {
  const { extractor, dimensions, elementType, byteOrder, normalization } = contract;
  if (!/^[a-zA-Z][a-zA-Z0-9]*([.-][a-zA-Z0-9]+)*$/.test(extractor)) {
    return 'needs an extractor id of letters and digits, with single dots and hyphens between them';
  }
  if (!Number.isInteger(dimensions) || dimensions < 1 || dimensions > maximumDimensions) {
    return `needs 1 to ${maximumDimensions} dimensions`;
  }
  if (elementType !== 'float32' || byteOrder !== 'little-endian') return 'must be little-endian float32';
  if (!normalizations.includes(normalization))
    return `needs one of the normalizations ${normalizations.join(', ')}`;
  return undefined;
}

/** The contract in a `VectorExtracted` schema. Errors: schema-incompatible for any other schema. */
export function contractOf(schema: AvroSchema): VectorContract {
  const fields = Array.isArray(schema.fields) ? (schema.fields as readonly Field[]) : [];
  const vector = fields.find((field) => field.name === 'vector');
  const stated = vector?.type as (VectorContract & { logicalType: string; size: number }) | undefined;
  if (schema.name.split('.').at(-1) !== 'VectorExtracted' || stated?.logicalType !== 'vector') {
    throw new HeadwaterError(
      'schema-incompatible',
      `the schema ${schema.name} is not a schema of extracted vectors`,
    );
  }
  const { extractor, elementType, dimensions, byteOrder, normalization } = stated;
  const description = vector?.doc ?? '';
  const contract = { extractor, dimensions, elementType, byteOrder, normalization, description };
  const problem =
    stated.size === 4 * dimensions ? problemOf(contract) : 'has dimensions that do not match its size';
  if (problem === undefined) return contract;
  throw new HeadwaterError('schema-incompatible', `the schema ${schema.name} of ${extractor} ${problem}`);
}

interface Field {
  readonly name: string;
  readonly type: unknown;
  readonly doc?: string;
}
