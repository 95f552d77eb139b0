import { DRAWING_STYLE } from './drawing-style.ts';
import { html, markupText, type Markup } from './html.ts';
import { PAPER_STYLE } from './paper-style.ts';
import { STYLE } from './style.ts';
import { TOKENS } from './tokens.ts';

/** A page that stands alone. */
export interface PageParts {
  readonly title: string;
  /** What stands in `<body>`. */
  readonly body: Markup;
}

/**
 * A page as one file: it fetches nothing and runs nothing, whatever stands in it, so it may be mailed and opened anywhere. Light and dark
 * as the reader's system has it; prints on A4; on a phone tables and drawings scroll, the page does not.
 */
export function htmlPage({ title, body }: PageParts): string {
  return markupText(
    html`<!doctype html>
      <html lang="en">
        <head>
          <meta charset="utf-8" />
          <meta
            http-equiv="Content-Security-Policy"
            content="default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
          />
          <meta name="viewport" content="width=device-width, initial-scale=1" />
          <meta name="color-scheme" content="light dark" />
          <meta name="referrer" content="no-referrer" />
          <title>${title}</title>
          ${TOKENS} ${STYLE} ${DRAWING_STYLE} ${PAPER_STYLE}
        </head>
        <body>
          ${body}
        </body>
      </html> `,
  );
}
