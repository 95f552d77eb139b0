import { bytes, duration, rate } from '../../lib/units.ts';
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
  return joined([
    body.status === null || body.status === 'active' ? null : `status ${body.status}`,
    body.pass === null ? null : `pass ${body.pass}`,
    body.remainingBytes === null ? null : `remaining ${bytes(body.remainingBytes)}`,
    body.dirtyRateBytesPerSecond === null ? null : `dirty rate ${rate(body.dirtyRateBytesPerSecond)}`,
    body.bandwidthBytesPerSecond === null ? null : `bandwidth ${rate(body.bandwidthBytesPerSecond)}`,
    body.throttlePercent === null || body.throttlePercent === 0 ? null : `throttled by ${body.throttlePercent} %`,
    // while it runs this is what QEMU expects, which the remaining bytes tell better
    body.downtimeMs === null || body.status === 'active' ? null : `downtime ${duration(body.downtimeMs)}`,
    body.postcopyRequests === null || body.postcopyRequests === 0 ? null : `${body.postcopyRequests} post-copy requests`,
    body.errorText,
  ]);
}

function completed(body: JobCompleted): string {
  const sent = body.transferredBytes === null ? null : `${bytes(body.transferredBytes)} sent`;
  return joined([
    'completed',
    body.downtimeMs === null ? null : `downtime ${duration(body.downtimeMs)}`,
    body.passes === null ? null : `passes ${body.passes}`,
    sent,
    body.elapsedMs === null ? null : `took ${duration(body.elapsedMs)}`,
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
    highCelsius === null ? null : `high ${highCelsius} °C`,
    critCelsius === null ? null : `critical ${critCelsius} °C`,
    alarm ? 'ALARM' : null,
  ]);
}

function joined(parts: readonly (string | null)[]): string {
  const said = parts.filter((part) => part !== null && part !== '');
  return said.length === 0 ? 'no counters yet' : said.join(', ');
}
