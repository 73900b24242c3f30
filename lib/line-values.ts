const INTEGER = /^-?\d+i$/;
const UNSIGNED = /^\d+u$/;
const FLOAT = /^[-.\d][-+.\deE]*$/;
const LEADING_ZEROS = /^(-?)0+(?=\d)/;
/** More than 64 bits take. */
const MAX_DIGITS = 22;
const BOOLEANS = new Map(
  [1, 0].flatMap((value) =>
    (value === 1 ? ['t', 'T', 'true', 'True', 'TRUE'] : ['f', 'F', 'false', 'False', 'FALSE']).map(
      (text) => [text, value] as const,
    ),
  ),
);

/**
 * The nearest double of a float (`0.5`), an integer (`5i`) or an unsigned one (`5u`), which have 64 bits; nothing where
 * it is none of them.
 */
export function numberOf(text: string): number | undefined {
  if (INTEGER.test(text)) return isWithin(text.slice(0, -1), 64) ? Number(text.slice(0, -1)) : undefined;
  if (UNSIGNED.test(text)) return isWithin(text.slice(0, -1), 65) ? Number(text.slice(0, -1)) : undefined;
  const value = FLOAT.test(text) ? Number(text) : Number.NaN;
  return Number.isFinite(value) ? value : undefined;
}

/** The value of a boolean; nothing where it is none. */
export function booleanOf(text: string): number | undefined {
  return BOOLEANS.get(text);
}

/** Whether the decimal digits fit so many bits, one of them a sign's. */
function isWithin(digits: string, bits: number): boolean {
  if (digits.length <= 18) return true;
  const number = wholeNumber(digits);
  return BigInt.asIntN(bits, number) === number;
}

/**
 * The whole number of decimal digits, with a sign perhaps. Of one that is far beyond 64 bits it is another that is as
 * well: exactly, millions of digits would take seconds.
 */
export function wholeNumber(digits: string): bigint {
  return BigInt(digits.replace(LEADING_ZEROS, '$1').slice(0, MAX_DIGITS));
}
