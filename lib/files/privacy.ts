/** What the user who started the program takes from others in new files. */
let given: number | undefined;

/** From now on new files are for this user alone, also those that DuckDB and others make without asking us for a mode. */
export function keepFilesPrivate(): void {
  given ??= process.umask(0o077);
}

/** The mode of a file that is the user's own, such as an export: their umask says who else may read it. */
export function modeOfOwnFile(): number {
  return 0o666 & ~(given ?? 0o077);
}
