/** A copy of a text that is kept for long: as a part of a longer one it would keep all of that. */
export function owned(text: string): string {
  return Buffer.from(text).toString();
}
