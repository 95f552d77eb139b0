import { bytes, duration, plural, rate } from '../../lib/units.ts';
import type { Event, EventBody, HeartbeatProbe, JobCompleted, JobSample, Temperature } from '../../model/event.ts';

/**
 * What a record of numbers says, in words; `null` for records that are sentences already and are quoted. Statistics come as
 * JSON or as tables over many lines, which nobody reads at night.
 */
export function countersOf({ body, origin }: Event): string | null {
  const counted = countersIn(body);
  if (counted !== null || !origin.text.startsWith('{')) return counted;
  return wrapped(body);
}

function countersIn(body: EventBody): string | null {
  switch (body.kind) {
    case 'job-sample':
      return sample(body);
    case 'job-completed':
      return completed(body);
    case 'heartbeat-probe':
      return probe(body);
    case 'temperature':
      return temperature(body);
    default:
      return null;
  }
}

/** A sentence of another program inside our own JSON line. */
function wrapped(body: EventBody): string | null {
  if (body.kind === 'migration-status') return `status ${body.status}${body.errorText === null ? '' : `: ${body.errorText}`}`;
  return body.kind === 'domain-missing' ? `failed to get domain '${body.vm}'` : null;
}

function sample(body: JobSample): string {
  const over = body.status === null || body.status === 'active' ? null : body.status;
  return joined([
    said(over, (status) => `status ${status}`),
    said(body.pass, (pass) => `pass ${pass}`),
    said(body.remainingBytes, (count) => `remaining ${bytes(count)}`),
    said(body.dirtyRateBytesPerSecond, (perSecond) => `dirty rate ${rate(perSecond)}`),
    said(body.bandwidthBytesPerSecond, (perSecond) => `bandwidth ${rate(perSecond)}`),
    said(body.throttlePercent === 0 ? null : body.throttlePercent, (percent) => `throttled by ${percent} %`),
    // while it runs this is what QEMU expects, which the remaining bytes tell better
    said(over === null ? null : body.downtimeMs, (ms) => `downtime ${duration(ms)}`),
    said(body.postcopyRequests === 0 ? null : body.postcopyRequests, (count) => `${count} post-copy requests`),
    body.errorText,
  ]);
}

function completed(body: JobCompleted): string {
  return joined([
    'completed',
    said(body.downtimeMs, (ms) => `downtime ${duration(ms)}`),
    said(body.passes, (passes) => plural(passes, 'pass', 'passes')),
    said(body.transferredBytes, (count) => `${bytes(count)} sent`),
    said(body.elapsedMs, (ms) => `took ${duration(ms)}`),
  ]);
}

function probe({ address, latencyMs, pending, errorText }: HeartbeatProbe): string {
  const file = address === null ? 'heartbeat file' : `hb-${address}`;
  if (errorText !== null) return `${file}: ${errorText}`;
  return pending ? `${file}: no answer for ${duration(latencyMs)}, still waiting` : `${file}: written in ${duration(latencyMs)}`;
}

function temperature({ chip, sensor, celsius, highCelsius, critCelsius, alarm }: Temperature): string {
  return joined([
    `${chip} ${sensor}: ${celsius} °C`,
    said(highCelsius, (limit) => `high ${limit} °C`),
    said(critCelsius, (limit) => `critical ${limit} °C`),
    alarm ? 'ALARM' : null,
  ]);
}

function said<T>(value: T | null, say: (value: T) => string): string | null {
  return value === null ? null : say(value);
}

function joined(parts: readonly (string | null)[]): string {
  const known = parts.filter((part) => part !== null && part !== '');
  return known.length === 0 ? 'no counters yet' : known.join(', ');
}
