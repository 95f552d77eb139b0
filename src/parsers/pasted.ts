/**
 * What logs are given when they are pasted, sticky: marks of a quotation (as HTML writes them, too), the name of the container that
 * `docker compose logs` puts before each line, what `grep` puts there with -H, -n or both.
 */
const PASTED: readonly RegExp[] = [
  /(?:(?:>|&gt;) ?)+/y,
  /[\w.-]+ *\| /y,
  /(?:[^\s:|]*\.log[^\s:|]*:)?(?:\d{1,9}:(?=\D|\d{4}-))?/y,
];

/** How many lines of those looked at have to begin so, for the file to be a paste: notes that quote a log are none. */
const MIN_SHARE = 0.5;

/** Where a line goes on behind what it was pasted with; 0 where it was with nothing. */
export function behind(pasted: RegExp, line: string): number {
  pasted.lastIndex = 0;
  return pasted.test(line) ? pasted.lastIndex : 0;
}

/** What most lines of a text begin with that no log does, and the text without; several where it may be one or the other. */
export function pastesOf(text: string): readonly { readonly pasted: RegExp; readonly text: string }[] {
  const lines = text.split('\n');
  const filled = lines.filter((line) => line.trim() !== '').length;
  // as deep as the first line, for a record's further lines may have an indentation of their own
  const indentation = /^[ \t]+/.exec(lines.find((line) => line.trim() !== '') ?? '')?.[0];
  const candidates = indentation === undefined ? PASTED : [new RegExp(indentation, 'y'), ...PASTED];
  return candidates.flatMap((pasted) => {
    const places = lines.map((line) => behind(pasted, line));
    const marked = places.filter((place) => place > 0).length;
    if (marked < filled * MIN_SHARE) return [];
    return [{ pasted, text: lines.map((line, i) => line.slice(places[i])).join('\n') }];
  });
}
