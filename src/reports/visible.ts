/**
 * Everything that a screen would obey instead of show: controls (escape sequences begin with one), marks that reverse the
 * direction of writing or have no width, line separators, and halves of surrogate pairs.
 */
const ACTIVE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/** Text of a log that a screen shows and does not obey: what is not a line end or a tab becomes `\x1b` or `\u{202e}`. */
export function visible(text: string): string {
  return text.replace(ACTIVE, (character) => (character === '\n' || character === '\t' ? character : spelled(character)));
}

/** A character by its number: `\x1b`, `\u{202e}`. */
export function spelled(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`;
}
