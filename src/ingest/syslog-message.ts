/** A message of syslog as it is stored. */
export interface SyslogLine {
  /** What the message says of its sender; `null` where it says nothing. */
  readonly host: string | null;
  /** Bytes as characters (latin1), in the form of a syslog file, without a line break. */
  text(host: string): string;
}

const PRIORITY = /^<\d{1,3}>/;
const HOST = String.raw`[A-Za-z0-9](?:[A-Za-z0-9._-]{0,253}[A-Za-z0-9])?`;
/** RFC 5424, 6: version, time, host, program, process, message id, structured data, message. */
const RFC_5424 = /^1 (?<time>\S{1,64}) (?<host>\S{1,255}) (?<app>\S{1,48}) (?<pid>\S{1,128}) (?<id>\S{1,32}) (?<rest>[^]*)$/;
/** RFC 3164, 4.1.2; the time also as rsyslog forwards it, ISO 8601 with an offset. */
const RFC_3164 = new RegExp(
  String.raw`^(?<time>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d(?:\.\d{1,9})?|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)) (?:(?<host>${HOST}) )?(?<rest>[^]*)$`,
);
const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)$/;
/** U+FEFF in UTF-8, one character a byte: RFC 5424 has it before a message in UTF-8. */
const BOM = '\u00ef\u00bb\u00bf';

type Groups = Readonly<Record<string, string | undefined>>;

/**
 * Reads one message of RFC 5424 or RFC 3164. What is neither keeps its text behind the time of its arrival. Priority, message id
 * and absent parts (`-`) are left out, control characters stand as rsyslog writes them (`#012` for a line break).
 */
export function readSyslog(latin1: string, receivedAt: number): SyslogLine {
  const message = latin1.replace(/[\r\n\0]+$/, '').replace(PRIORITY, '');
  const arrived = new Date(receivedAt).toISOString();
  const modern = RFC_5424.exec(message)?.groups;
  if (modern !== undefined) return modernLine(modern, arrived);
  const { time = arrived, host = '-', rest = message } = RFC_3164.exec(message)?.groups ?? {};
  return lineOf(time, host, rest);
}

function modernLine({ time = '', host = '', app = '', pid = '', rest = '' }: Groups, arrived: string): SyslogLine {
  const program = app === '-' ? '' : `${app}${pid === '-' ? '' : `[${pid}]`}: `;
  return lineOf(ISO.test(time) ? time : arrived, host, `${program}${withoutNothing(rest)}`);
}

/** Structured data and the message, without a `-` for no data and without the mark of UTF-8. */
function withoutNothing(rest: string): string {
  const message = rest.startsWith('- ') ? rest.slice(2) : rest === '-' ? '' : rest;
  return message.startsWith(BOM) ? message.slice(BOM.length) : message.replace(`] ${BOM}`, '] ');
}

const WHOLE_HOST = new RegExp(`^(?:${HOST}|[0-9a-fA-F:.]{2,45})$`);

function lineOf(time: string, host: string, text: string): SyslogLine {
  const printed = text.replace(/[^\t -~\u0080-\u00ff]/g, (char) => `#${char.charCodeAt(0).toString(8).padStart(3, '0')}`);
  return {
    host: WHOLE_HOST.test(host) ? host : null,
    // a colon would end the header of a syslog line
    text: (name) => `${time} ${name.replaceAll(':', '-')} ${printed}`,
  };
}
