/** In percent of the full length, which `npm run faults` asks for; where it is left out each suite takes a short round. */
const { TRACKING_FAULTS: percent } = process.env;

/** How often a suite breaks something, or for how many seconds. */
export function lengthOf({ full, short }: { readonly full: number; readonly short: number }): number {
  return percent === undefined ? short : Math.max(1, Math.round((full * Number(percent)) / 100));
}
