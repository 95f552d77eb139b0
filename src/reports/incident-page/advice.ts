import type { Finding } from '../../model/finding.ts';
import { html, type Markup } from '../html/html.ts';
import { EVIDENCE_SHOWN } from '../incident/quotes.ts';
import { adviceOf } from '../incident/verdict-words.ts';
import { evidenceOf, folded, remediesOf } from './quoted.ts';
import { cut } from '../terminal/text.ts';
import { LETTERS } from './sheet-limits.ts';
import type { Sheet } from './sheet.ts';

/** What nobody has to act on tonight. */
export function advice(sheet: Sheet): Markup | null {
  const kinds = adviceOf(sheet.analysis);
  if (kinds.length === 0) return null;
  return html`<section>
    <h2>Advice</h2>
    ${kinds.map(({ detector, findings }) => {
      const shown = findings.slice(0, sheet.limits.advice);
      const hidden = findings.length - shown.length;
      return html`
        ${shown.map((finding) => adviceOn(finding, sheet))}
        ${hidden > 0 ? html`<p class="dim">${detector}: ${hidden} more are not on this page.</p>` : null}
      `;
    })}
  </section>`;
}

function adviceOn(finding: Finding, sheet: Sheet): Markup {
  return html`<div class="advice">
    <p><span class="strong">${finding.detector}</span>: ${cut(finding.summary, LETTERS.sentence)}</p>
    ${folded('what it rests on, and what to do', [evidenceOf(finding, EVIDENCE_SHOWN, sheet), remediesOf(finding.remedies)])}
  </div>`;
}
