import { cut, inert } from '../reports/terminal/text.ts';

/** Long enough for what a receiver complains of, short enough for a table. */
const COLUMNS = 160;

/** What of an answer may stand in a message: its beginning, without secrets and without what a terminal obeys; `null` of nothing. */
export function createExcerpt(secrets: readonly string[]): (text: string) => string | null {
  const hidden = secrets
    .filter((secret) => secret !== '')
    .flatMap((secret) => [secret, encodeURIComponent(secret), Buffer.from(secret).toString('base64')]);
  return (text) => {
    const shown = inert(hidden.reduce((rest, secret) => rest.replaceAll(secret, '***'), text)).trim();
    // a page for a browser says nothing that a status does not
    return shown === '' || shown.startsWith('<') ? null : cut(shown, COLUMNS);
  };
}
