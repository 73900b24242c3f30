import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

/** A new client secret: 256 random bits in hexadecimal, so that `curl -u` and every form take it as it is. */
export function generateSecret(): string {
  return randomBytes(32).toString('hex');
}

/**
 * What is kept of a secret: `sha256$SALT$DIGEST`. One round of a fast hash is right here: nobody guesses 256 random
 * bits, and every request for a token pays for it. (Slow hashes are for passwords that people choose.)
 */
export function hashSecret(secret: string): string {
  const salt = randomBytes(16).toString('hex');
  return `sha256$${salt}$${digest(salt, secret).toString('hex')}`;
}

/**
 * Whether the secret is the one that was hashed, in a time that does not depend on where they differ. A space counts as
 * the `+` that form decoding makes it of where a client did not encode it; no secret contains a space.
 */
export function isSecret(secret: string, hash: string): boolean {
  const [method, salt = '', expected = ''] = hash.split('$');
  const bytes = Buffer.from(expected, 'hex');
  if (method !== 'sha256' || bytes.length !== 32) return false;
  return timingSafeEqual(digest(salt, secret.replaceAll(' ', '+')), bytes);
}

function digest(salt: string, secret: string): Buffer {
  return createHash('sha256').update(`${salt}$${secret}`).digest();
}
