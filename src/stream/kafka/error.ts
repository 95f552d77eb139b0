import { AppError } from '../../lib/errors.ts';

/** What was being done when it failed. */
export interface Doing {
  /** `connect`, `write to`, `read`, `create`, `look at`. */
  readonly what: 'connect' | 'write to' | 'read' | 'create' | 'look at';
  /** As the cluster calls it. */
  readonly topic?: string;
  readonly group?: string;
}

/** Where it failed. */
export interface Place extends Doing {
  readonly brokers: readonly string[];
}

/** What kafkajs and Node put on their errors. */
interface Clues {
  readonly name: string;
  /** Kafka's name of a protocol error. */
  readonly type: string | null;
  /** Node's code of a connection's error. */
  readonly code: string | null;
  readonly broker: string | null;
  readonly retriable: boolean;
}

/** An error of kafkajs as one that says what to do; told by type and code, never by its text. An AppError stays what it is. */
export function streamError(error: unknown, place: Place): AppError {
  const chain = causesOf(error);
  const own = chain.find((one) => one instanceof AppError);
  if (own !== undefined) return own;
  const clues = cluesOf(chain);
  const told = advice(clues, place);
  return new AppError('stream', `${subject(place)}: ${told.message}`, {
    hint: told.hint,
    retriable: told.retriable ?? clues.retriable,
    cause: error,
  });
}

/** kafkajs threw it. */
export function isOfKafkajs(error: unknown): boolean {
  return error instanceof Error && error.name.startsWith('KafkaJS');
}

/** Kafka's names of errors in the chain of causes. */
export function errorTypes(error: unknown): readonly string[] {
  return causesOf(error).flatMap((one) => textAt(one, 'type') ?? []);
}

interface Advice {
  readonly message: string;
  readonly hint: string;
  readonly retriable?: boolean;
}

function subject({ what, topic, group, brokers }: Place): string {
  if (topic === undefined) return `cannot ${what === 'connect' ? 'connect to' : what} Kafka (${brokers.join(', ')})`;
  return `cannot ${what} topic ${topic}${group === undefined ? '' : ` as group ${group}`} (Kafka, ${brokers.join(', ')})`;
}

function advice(clues: Clues, place: Place): Advice {
  return authentication(clues) ?? connection(clues) ?? authorisation(clues, place) ?? size(clues, place) ?? other(clues, place);
}

function authentication({ name, type }: Clues): Advice | null {
  if (type === 'UNSUPPORTED_SASL_MECHANISM') {
    return {
      message: 'the broker does not offer this SASL mechanism',
      hint: 'set stream.kafka.sasl.mechanism to one of sasl.enabled.mechanisms of the broker',
      retriable: false,
    };
  }
  if (name !== 'KafkaJSSASLAuthenticationError' && type !== 'SASL_AUTHENTICATION_FAILED') return null;
  return {
    message: 'the broker does not know this user, or the password is wrong',
    hint: 'check stream.kafka.sasl (mechanism, username, password or token), and that the user exists: kafka-configs.sh --describe --entity-type users',
    retriable: false,
  };
}

const TLS_CODES = /^(?:ERR_(?:TLS|SSL)_|CERT_|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|EPROTO$)/;

function connection({ name, code, broker }: Clues): Advice | null {
  const at = broker ?? 'the broker';
  if (code !== null && TLS_CODES.test(code)) {
    return {
      message: `no encrypted connection to ${at} (${code})`,
      hint: `stream.kafka.ssl.ca must hold the certificate of who signed that of ${at}, which must be valid for this very name; see it with: openssl s_client -connect ${at}`,
      retriable: false,
    };
  }
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') {
    return {
      message: `the name of ${at} is not known here`,
      hint: 'check stream.kafka.brokers, and that this machine resolves the names in advertised.listeners of the brokers',
      retriable: code === 'EAI_AGAIN',
    };
  }
  if (code === 'ECONNREFUSED') {
    return { message: `nothing listens at ${at}`, hint: 'check that the broker runs, and its address', retriable: true };
  }
  if (!CONNECTION_ERRORS.has(name)) return null;
  return {
    message: name === 'KafkaJSConnectionClosedError' ? `${at} closed the connection` : `${at} does not answer`,
    hint: 'check that the broker runs and no firewall is in between; a listener with TLS or SASL needs stream.kafka.ssl or stream.kafka.sasl, one without must not have them',
    retriable: true,
  };
}

const CONNECTION_ERRORS = new Set([
  'KafkaJSConnectionError',
  'KafkaJSConnectionClosedError',
  'KafkaJSRequestTimeoutError',
  'KafkaJSNoBrokerAvailableError',
]);

function authorisation({ type }: Clues, place: Place): Advice | null {
  if (type === null || !type.endsWith('_AUTHORIZATION_FAILED')) return null;
  return {
    message: `this user is not allowed to (${type})`,
    hint: `let somebody who may run: ${permission(place)}`,
    retriable: false,
  };
}

/** The command that allows what was refused, for a user that the broker knows by name. */
export function permission({ what, topic, group, brokers }: Place): string {
  const allow = `kafka-acls.sh --bootstrap-server ${brokers[0] ?? 'BROKER'} --add --allow-principal User:NAME`;
  const all = '--operation Read --operation Write --operation Describe --operation Create';
  if (topic === undefined) return `${allow} ${all} --topic precopy. --group precopy. --resource-pattern-type prefixed`;
  const operations = what === 'read' ? '--operation Read --operation Describe' : '--operation Write --operation Describe';
  return `${allow} ${operations} --topic ${topic}${group === undefined ? '' : ` --group ${group}`}`;
}

function size({ type }: Clues, { topic, brokers }: Place): Advice | null {
  if (type !== 'MESSAGE_TOO_LARGE' && type !== 'RECORD_LIST_TOO_LARGE') return null;
  return {
    message: 'a message is larger than the topic takes',
    hint: `kafka-configs.sh --bootstrap-server ${brokers[0] ?? 'BROKER'} --alter --entity-type topics --entity-name ${topic ?? 'TOPIC'} --add-config max.message.bytes=8388608`,
    retriable: false,
  };
}

function other({ name, type, retriable }: Clues, { topic }: Place): Advice {
  if (type === 'UNKNOWN_TOPIC_OR_PARTITION') {
    return { message: `there is no topic ${topic ?? ''}`, hint: 'it is created when precopy starts', retriable: true };
  }
  if (type === 'INVALID_SESSION_TIMEOUT') {
    return {
      message: 'the brokers do not allow this session timeout',
      hint: 'set stream.kafka.sessionTimeout between group.min.session.timeout.ms and group.max.session.timeout.ms of the brokers (6s and 30min by default)',
      retriable: false,
    };
  }
  return {
    message: type ?? name,
    hint: retriable ? 'it is tried again' : 'the cause is in the log of the broker, or in that of precopy with log.level: debug',
  };
}

/** Of the innermost errors first: those around them only say that it was tried several times. */
function cluesOf(chain: readonly unknown[]): Clues {
  const inner = chain.toReversed();
  const first = (key: string): string | null => inner.flatMap((one) => textAt(one, key) ?? [])[0] ?? null;
  const told = inner.find((one) => textAt(one, 'type') !== null || textAt(one, 'broker') !== null) ?? inner[0];
  return {
    name: (told === undefined ? null : textAt(told, 'name')) ?? 'unknown error',
    type: first('type'),
    code: first('code'),
    broker: first('broker'),
    retriable: (told as { readonly retriable?: unknown } | undefined)?.retriable === true,
  };
}

/** The error, what caused it, and what that is made of. */
function causesOf(error: unknown): readonly unknown[] {
  if (typeof error !== 'object' || error === null) return [error];
  const { cause, errors } = error as { readonly cause?: unknown; readonly errors?: readonly unknown[] };
  const inner = [...(cause === undefined ? [] : [cause]), ...(Array.isArray(errors) ? errors.slice(0, 1) : [])];
  return [error, ...inner.flatMap(causesOf)];
}

function textAt(value: unknown, key: string): string | null {
  if (typeof value !== 'object' || value === null) return null;
  const found = (value as Readonly<Record<string, unknown>>)[key];
  return typeof found === 'string' ? found : null;
}
