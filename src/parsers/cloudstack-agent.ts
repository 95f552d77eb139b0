import { cancelRules } from './cloudstack/cancel.ts';
import { errorRules } from './cloudstack/errors.ts';
import { heartbeatRules } from './cloudstack/heartbeat.ts';
import { hostRules } from './cloudstack/host.ts';
import { migrationRules } from './cloudstack/migration.ts';
import type { Parser } from './parser.ts';
import { isoStamp, isoStampAt } from './time.ts';

/**
 * CloudStack's KVM agent, `/var/log/cloudstack/agent/agent.log`. The header fits log4j 1 (`:null`, `:ctx-1a2b job-67`) and
 * log4j 2 (`:[]`), a logid that is there, empty, or not yet a column (up to 4.6). Neither thread names nor their context hold
 * brackets or, in the name, a colon; so no part of the pattern can be tried twice.
 */
export const cloudstackAgent: Parser = {
  source: 'cloudstack-agent',
  title: "CloudStack's KVM agent: agent.log",
  reference: 'agent/conf/log4j-cloud.xml.in and the KVM plugin of apache/cloudstack, 4.15.2 to main',
  paths: /(?:^|[/._-])agent\.log$/,
  recognises: /^\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d,\d{3} (?:TRACE|DEBUG|INFO|WARN|ERROR|FATAL) +\[[^\]\s]+\] \(/,
  header:
    /(?<time>\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d,\d{3}) (?:TRACE|DEBUG|INFO|WARN|ERROR|FATAL) +\[(?<logger>[^\]\s]+)\] \([^():\n]*:[^()\n]*\) (?:\(logid:[^()\s]*\) ?)?/y,
  time: ({ time }) => isoStamp(time, 'local'),
  timeAt: (text, at) => isoStampAt(text, 'local', at),
  rules: [...migrationRules, ...errorRules, ...cancelRules, ...hostRules, ...heartbeatRules],
};
