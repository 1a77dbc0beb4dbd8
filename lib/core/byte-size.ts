import { InvalidOptionError } from './errors.js';

/** Bytes, or a number with a unit: `'64MB'` is 64 * 10^6, `'64MiB'` is 64 * 2^20. */
export type ByteSize = number | `${number}${'B' | 'kB' | 'KB' | 'MB' | 'GB' | 'KiB' | 'MiB' | 'GiB'}`;

const bytesPerUnit: Readonly<Record<string, number>> = {
  B: 1,
  kB: 1e3,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
};

/** `size` in bytes. Throws an `InvalidOptionError` naming `option` unless it is a whole number of 0 or more bytes. */
export function toBytes(option: string, size: ByteSize): number {
  const bytes = typeof size === 'number' ? size : parseByteSize(size);
  if (!Number.isSafeInteger(bytes) || bytes < 0) {
    throw new InvalidOptionError(
      option,
      size,
      `expected whole bytes, 0 or more, or a size such as '64MB' (10^6) or '64MiB' (2^20)`,
    );
  }
  return bytes;
}

function parseByteSize(text: unknown): number {
  const match = typeof text === 'string' ? /^(\d+(?:\.\d+)?)(B|[kK]B|[MG]B|[KMG]iB)$/.exec(text.trim()) : null;
  return match === null ? Number.NaN : Math.round(Number(match[1]) * bytesPerUnit[match[2]!]!);
}
