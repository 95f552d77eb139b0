import { plural } from '../lib/units.ts';
import { html, markupText, type Markup } from '../reports/html/html.ts';
import { moment, precise } from '../reports/incident/time.ts';
import type { AlertTelling, Brief, Telling } from './telling.ts';

/**
 * Colours of the dark: mail programs that know nothing of it, or strip this, keep the light ones, which stand at each element. No
 * variables, no tables, no pictures, no links: what a mail program would not show, or a log's text could abuse, is not in it.
 */
const DARK = html`<style>
  @media (prefers-color-scheme: dark) {
    .page {
      background: #14171b !important;
      color: #e3e6ea !important;
    }
    .dim {
      color: #a2abb6 !important;
    }
    .code {
      background: #1d2126 !important;
      color: #e3e6ea !important;
    }
    .critical {
      color: #ff8f8a !important;
    }
    .warning {
      color: #efb45c !important;
    }
    .info {
      color: #84b9f5 !important;
    }
    .good {
      color: #7fd196 !important;
    }
    .alert {
      border-color: #363d46 !important;
    }
  }
</style>`;

/** A notification as a mail. */
export function tellingHtml(telling: Telling): string {
  const { subject, where, lead, counts, alerts, briefs, more, others, moreOthers, explains } = telling;
  return markupText(
    html`<!doctype html>
      <html lang="en">
        <head>
          <meta charset="utf-8" />
          <meta name="viewport" content="width=device-width, initial-scale=1" />
          <meta name="color-scheme" content="light dark" />
          <meta name="supported-color-schemes" content="light dark" />
          <title>${subject}</title>
          ${DARK}
        </head>
        <body class="page" style="margin:0;padding:0;background:#ffffff;color:#16191d">
          <div
            class="page"
            style="max-width:720px;margin:0 auto;padding:16px;background:#ffffff;color:#16191d;font-family:-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif;font-size:15px;line-height:1.45;overflow-wrap:break-word"
          >
            <p style="margin:0 0 8px">${dimmed(where)}</p>
            ${lead === null ? null : html`<p style="margin:0 0 12px"><strong>${lead}</strong></p>`} ${listOf(counts)}
            ${alerts.map(alertOf)} ${briefs.map(briefOf)} ${dim(more)}
            ${others.length === 0 ? null : [heading('Still fires, of the same group'), ...others.map(briefOf), dim(moreOthers)]}
            ${explains === null ? null : html`<p style="margin:16px 0 0">${explains}</p>`}
          </div>
        </body>
      </html> `,
  );
}

function alertOf(alert: AlertTelling): Markup {
  const { saying, word, title, over } = alert;
  const tone = over === null ? saying.severity : 'good';
  return html`<div class="alert" style="margin:0 0 20px;padding:0 0 16px;border-bottom:1px solid #d3d8de">
    <p style="margin:0 0 4px;font-size:18px">${toned(tone, word)} <strong>${title}</strong></p>
    <p style="margin:0 0 12px">
      <strong>${saying.about.join('  ')}</strong><br />${dimmed(`${saying.detector}, since ${moment(saying.at, true)} UTC`)}
    </p>
    ${over === null ? firingOf(alert) : overOf(alert)}
  </div>`;
}

function overOf({ over, saying }: AlertTelling): Markup {
  return html`<p style="margin:0 0 8px">${over}</p>
    ${heading('It was')}
    <p style="margin:0">${saying.summary}</p>`;
}

function firingOf({ saying, resolves, often, acknowledged, explain, runbook, acknowledge }: AlertTelling): Markup {
  const { summary, now, certainty, evidence, hidden, remedies } = saying;
  return html`<p style="margin:0">${summary}</p>
    ${now.length === 0 ? null : heading('Where the VM is now')}
    ${now.map(({ host, state, why }) => html`<p style="margin:0 0 2px"><strong>${host}: ${state}</strong> ${dimmed(why)}</p>`)}
    ${heading(evidenceTitle(certainty))}
    ${evidence.map(
      ({ place, at, quote }) =>
        html`<p style="margin:0">${dimmed(`${place}  ${precise(at)}`)}</p>
          ${code([quote])}`,
    )}
    ${hidden === 0 ? null : dim(plural(hidden, 'more line'))} ${remedies.length === 0 ? null : heading('What to do')}
    ${remedies.map(
      ({ what, commands }) =>
        html`<p style="margin:6px 0 0">${what}</p>
          ${commands.length === 0 ? null : code(commands)}`,
    )}
    ${resolves === null ? null : [heading('It ends when'), html`<p style="margin:0">${resolves}.</p>`]} ${dim(often)}
    ${dim(acknowledged)} ${heading(acknowledged === null ? 'More, and to take it' : 'More')}
    <p style="margin:0">${runbook}</p>
    ${code(acknowledged === null ? [explain, acknowledge] : [explain])}`;
}

function evidenceTitle(certainty: string): string {
  if (certainty === 'seen') return 'Seen in these lines';
  return certainty === 'follows' ? 'Follows from these lines' : 'Not observed; the nearest lines are';
}

function briefOf({ word, severity, title, about, summary }: Brief): Markup {
  return html`<p style="margin:0 0 8px">
    ${toned(word === 'RESOLVED' ? 'good' : severity, word)} <strong>${title}: ${about}</strong><br />${summary}
  </p>`;
}

function toned(tone: 'info' | 'warning' | 'critical' | 'good', word: string): Markup {
  if (tone === 'critical') return html`<strong class="critical" style="color:#b00d1b">${word}</strong>`;
  if (tone === 'warning') return html`<strong class="warning" style="color:#855000">${word}</strong>`;
  return tone === 'good'
    ? html`<strong class="good" style="color:#176632">${word}</strong>`
    : html`<strong class="info" style="color:#0b57a4">${word}</strong>`;
}

function heading(text: string): Markup {
  return html`<p class="dim" style="margin:14px 0 4px;color:#545c66;font-size:13px"><strong>${text}</strong></p>`;
}

function dimmed(text: string): Markup {
  return html`<span class="dim" style="color:#545c66;font-size:13px">${text}</span>`;
}

function dim(text: string | null): Markup | null {
  return text === null ? null : html`<p style="margin:8px 0 0">${dimmed(text)}</p>`;
}

function code(lines: readonly string[]): Markup {
  return html`<pre
    class="code"
    style="margin:4px 0 8px;padding:8px 10px;background:#f4f5f7;color:#16191d;font-family:Menlo,Consolas,'DejaVu Sans Mono',monospace;font-size:13px;line-height:1.4;white-space:pre-wrap;overflow-wrap:anywhere"
  >
${lines.join('\n')}</pre>`;
}

function listOf(lines: readonly string[]): Markup | null {
  return lines.length === 0
    ? null
    : html`<ul style="margin:0 0 12px;padding-left:20px">
        ${lines.map((line) => html`<li>${line}</li>`)}
      </ul>`;
}
