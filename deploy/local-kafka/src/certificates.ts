/**
 * Certificates for a local broker or server, for demos and tests: an authority and the certificates it signs, created
 * in memory. Only what TLS requires (X.509 v3, P-256, names and addresses).
 */
import { generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import { isIPv4 } from 'node:net';

interface Certified {
  /** PEM. */
  readonly certificate: string;
  /** PEM, PKCS #8. */
  readonly key: string;
}

export interface Authority {
  /** PEM; clients must trust it. */
  readonly certificate: string;
  /** Issues a certificate: for a server with all names and addresses that clients use, for a client with any name. */
  issue(name: string, alternatives?: readonly string[]): Certified;
}

const lifetimeDays = 30;

/** Creates an authority, whose key exists only in memory. */
export function createAuthority(name = 'Headwater test authority'): Authority {
  const own = newKeys();
  const issuer = { name, key: own.privateKey };
  const certificate = certify({ name, key: own.publicKey }, issuer, [
    extension(oids.basicConstraints, true, sequence(boolean(true))),
    extension(oids.keyUsage, true, tagged(0x03, Buffer.from([1, 0x06]))),
  ]);
  return {
    certificate,
    issue: (subject, alternatives = ['localhost', '127.0.0.1']) => {
      const { publicKey, privateKey } = newKeys();
      const names = extension(oids.alternativeNames, false, sequence(...alternatives.map(generalName)));
      return {
        certificate: certify({ name: subject, key: publicKey }, issuer, [names]),
        key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
      };
    },
  };
}

const newKeys = () => generateKeyPairSync('ec', { namedCurve: 'P-256' });

interface Party {
  readonly name: string;
  readonly key: KeyObject;
}

/** RFC 5280, section 4.1. */
function certify(subject: Party, issuer: Party, extensions: readonly Buffer[]): string {
  const now = Date.now();
  const day = 86_400_000;
  const algorithm = sequence(identifier(oids.ecdsaWithSha256));
  const body = sequence(
    tagged(0xa0, integer(Buffer.from([2]))),
    integer(Buffer.concat([Buffer.from([0x01]), randomBytes(15)])),
    algorithm,
    distinguished(issuer.name),
    sequence(time(now - day), time(now + lifetimeDays * day)),
    distinguished(subject.name),
    subject.key.export({ type: 'spki', format: 'der' }),
    tagged(0xa3, sequence(...extensions)),
  );
  const signature = sign('sha256', body, issuer.key);
  const whole = sequence(body, algorithm, tagged(0x03, Buffer.from([0]), signature));
  const lines = whole.toString('base64').replace(/.{64}(?=.)/g, '$&\n');
  return `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`;
}

const oids = {
  ecdsaWithSha256: '06082a8648ce3d040302',
  commonName: '0603550403',
  basicConstraints: '0603551d13',
  keyUsage: '0603551d0f',
  alternativeNames: '0603551d11',
} as const;

/** DER: a tag, the length, the content. */
function tagged(tag: number, ...content: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(content);
  const { length } = body;
  if (length < 0x80) return Buffer.concat([Buffer.from([tag, length]), body]);
  const long = length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...long]), body]);
}

const sequence = (...content: readonly Uint8Array[]) => tagged(0x30, ...content);
const identifier = (oid: string) => Buffer.from(oid, 'hex');
const integer = (value: Buffer) => tagged(0x02, value);
const boolean = (value: boolean) => tagged(0x01, Buffer.from([value ? 0xff : 0]));
const utf8 = (text: string) => tagged(0x0c, Buffer.from(text));

function distinguished(name: string): Buffer {
  return sequence(tagged(0x31, sequence(identifier(oids.commonName), utf8(name))));
}

/** UTCTime, which ends in 2049. */
function time(at: number): Buffer {
  const digits = new Date(at).toISOString().replace(/[-:T]/g, '').slice(2, 14);
  return tagged(0x17, Buffer.from(`${digits}Z`));
}

function extension(oid: string, isCritical: boolean, value: Buffer): Buffer {
  return sequence(identifier(oid), ...(isCritical ? [boolean(true)] : []), tagged(0x04, value));
}

/** dNSName or iPAddress. */
function generalName(name: string): Buffer {
  if (isIPv4(name)) return tagged(0x87, Buffer.from(name.split('.').map(Number)));
  return tagged(0x82, Buffer.from(name));
}
