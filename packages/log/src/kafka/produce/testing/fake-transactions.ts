/** A fake transaction coordinator that increments epochs, with scripted failures. */
import { type Decoder, Encoder } from '../../client/kafkajs.ts';
import { errorCodes } from './error-codes.ts';

export type TransactionRequest =
  | 'FindCoordinator'
  | 'InitProducerId'
  | 'AddPartitionsToTxn'
  | 'AddOffsetsToTxn'
  | 'EndTxn'
  | 'TxnOffsetCommit';

const names: Readonly<Record<number, TransactionRequest>> = {
  10: 'FindCoordinator',
  22: 'InitProducerId',
  24: 'AddPartitionsToTxn',
  25: 'AddOffsetsToTxn',
  26: 'EndTxn',
  28: 'TxnOffsetCommit',
};

export class FakeTransactions {
  /** Requests in the order of arrival. */
  readonly requests: TransactionRequest[] = [];
  /** Called once for each request; returns an error, a lost response, or undefined for success. */
  react: (request: TransactionRequest) => keyof typeof errorCodes | 'silent' | 'closed' | undefined = () =>
    undefined;
  /** Identity of the current owner. */
  identity = { producerId: 7n, epoch: -1 };
  #idempotent = 100n;

  respond(apiKey: number, decoder: Decoder, ports: readonly number[]): Encoder | 'silent' | 'closed' {
    const request = names[apiKey];
    if (request === undefined) throw new Error(`unsupported API key ${apiKey}`);
    this.requests.push(request);
    const reaction = this.react(request);
    if (reaction === 'silent' || reaction === 'closed') return reaction;
    const code = errorCodes[reaction ?? 'NONE'];
    if (request === 'FindCoordinator') return answerCoordinator(code, ports[0] ?? 0);
    if (request === 'InitProducerId') return this.#initProducerId(code, decoder);
    if (request === 'AddOffsetsToTxn' || request === 'EndTxn')
      return new Encoder().writeInt32(0).writeInt16(code);
    return answerPartitions(code);
  }

  #initProducerId(code: number, decoder: Decoder): Encoder {
    decoder.readTaggedFields();
    const isTransactional = decoder.readUVarIntString() !== null;
    decoder.readInt32();
    const current = { producerId: BigInt(decoder.readInt64().toString()), epoch: decoder.readInt16() };
    if (!isTransactional) {
      this.#idempotent += 1n;
      return answerIdentity(code, this.#idempotent, 0);
    }
    const isFenced = current.producerId >= 0n && current.epoch !== this.identity.epoch;
    if (isFenced) return answerIdentity(errorCodes.PRODUCER_FENCED, -1n, -1);
    if (code === 0) this.identity = { ...this.identity, epoch: this.identity.epoch + 1 };
    return answerIdentity(code, this.identity.producerId, this.identity.epoch);
  }
}

function answerIdentity(code: number, producerId: bigint, epoch: number): Encoder {
  return new Encoder()
    .writeUVarInt(0)
    .writeInt32(0)
    .writeInt16(code)
    .writeInt64(String(producerId))
    .writeInt16(epoch)
    .writeUVarInt(0);
}

function answerCoordinator(code: number, port: number): Encoder {
  return new Encoder()
    .writeInt32(0)
    .writeInt16(code)
    .writeString(null)
    .writeInt32(0)
    .writeString('127.0.0.1')
    .writeInt32(port);
}

function answerPartitions(code: number): Encoder {
  const partition = new Encoder().writeInt32(0).writeInt16(code);
  return new Encoder().writeInt32(0).writeArray([new Encoder().writeString('t').writeArray([partition])]);
}
