import type { Event } from '../../model/event.ts';
import type { Finding, Remedy } from '../../model/finding.ts';
import { html, type Fragment, type Markup } from '../html/html.ts';
import { CERTAINTY_WORDS, quoteOf, tellingEvidence } from '../incident/quotes.ts';
import { purposeOf } from '../incident/verdict-words.ts';
import { cut, cutMiddle } from '../terminal/text.ts';
import { LETTERS } from './sheet-limits.ts';
import type { Sheet } from './sheet.ts';

/** The most telling records of a finding, and below them, folded, the others. */
export function evidenceOf({ evidence, confidence }: Finding, most: number, sheet: Sheet): Markup | null {
  if (evidence.length === 0) return null;
  const open = tellingEvidence(evidence, most);
  const others = evidence.filter((event) => !open.includes(event));
  const shown = others.slice(0, sheet.limits.evidence);
  const hidden = others.length - shown.length;
  return html`<div class="part">
    <h3>${CERTAINTY_WORDS[confidence]}</h3>
    <div class="lines">${open.map((event) => quoted(event, sheet))}</div>
    ${
      others.length === 0
        ? null
        : folded(`${others.length} more`, [
            html`<div class="lines">${shown.map((event) => quoted(event, sheet))}</div>`,
            hidden > 0 ? html`<p class="dim">${hidden} more are in the logs, not on this page.</p>` : null,
          ])
    }
  </div>`;
}

function quoted(event: Event, sheet: Sheet): Markup {
  const { place, written, message } = quoteOf(event, sheet);
  return quotedLine({ place, written, message, id: null });
}

/** A record with its place and its time; with an id, marks of a drawing lead to it. */
export function quotedLine({
  place,
  written,
  message,
  id,
}: {
  readonly place: string;
  readonly written: string;
  readonly message: string;
  readonly id: string | null;
}): Markup {
  const cells = html`<span class="where">${cutMiddle(place, LETTERS.name)}</span>
    <span class="when">${cut(written, LETTERS.name)}</span> <code>${cut(message, LETTERS.record)}</code>`;
  return id === null ? html`<div class="line">${cells}</div>` : html`<div class="line marked" id="${id}">${cells}</div>`;
}

/** What to do, each with the command to copy. */
export function remediesOf(remedies: readonly Remedy[]): Markup | null {
  if (remedies.length === 0) return null;
  return html`<div class="part">
    <h3>do</h3>
    ${remedies.map(
      (remedy) => html`
        <p>${cut(purposeOf(remedy), LETTERS.sentence)}</p>
        ${commandOf(remedy)}
      `,
    )}
  </div>`;
}

/** A command is whole or not there: half of one does something else. */
function commandOf({ command }: Remedy): Markup | null {
  if (command === null) return null;
  return command.length <= LETTERS.command
    ? html`<pre class="command">${command}</pre>`
    : html`<p class="dim">The command is ${command.length} letters long; precopy analyze --json has it.</p>`;
}

/** What is there for those who ask. */
export function folded(title: string, inside: Fragment): Markup {
  return html`<details>
    <summary>${title}</summary>
    ${inside}
  </details>`;
}
