import { NotifyError } from './notifier.ts';

/** What is known of a failed mail. */
export interface SmtpFailure {
  /** `mail.example.org:587`. */
  readonly server: string;
  said(text: string): string | null;
}

/** Codes of nodemailer where the way there failed, not the mail. */
const WAY: Readonly<Record<string, string>> = {
  ECONNECTION: 'connection was cut by',
  ETIMEDOUT: 'no answer from',
  EDNS: 'no such host:',
  EPROTOCOL: 'no SMTP from',
};

const SOCKET: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens at',
  ECONNRESET: 'connection was cut by',
  ETIMEDOUT: 'cannot be reached:',
  EHOSTUNREACH: 'cannot be reached:',
  ENETUNREACH: 'cannot be reached:',
};

/** What nodemailer throws, as what it means: 4xx of SMTP is for now, 5xx for good. */
export function smtpError(error: unknown, failure: SmtpFailure): NotifyError {
  const { code = 'error', responseCode, response, message = '' } = error as Partial<NodeJS.ErrnoException & Answered>;
  if (code === 'ETLS' || /certificate|self-signed|altname/i.test(message)) {
    return new NotifyError(`no trusted TLS with ${failure.server}: ${failure.said(message) ?? code}`, {
      retriable: false,
      hint: 'Name the authority of its certificate in the option ca; where it offers no STARTTLS, see the options security and port.',
      cause: error,
    });
  }
  if (responseCode === undefined) return wayError(error, { code, message }, failure);
  const hint = code === 'EAUTH' ? { hint: 'See the options user and password.' } : {};
  const words = failure.said(response ?? message) ?? String(responseCode);
  return new NotifyError(words, { retriable: responseCode < 500, ...hint, cause: error });
}

/** A server that was not reached, or did not answer as one of mail. */
function wayError(
  cause: unknown,
  { code, message }: { readonly code: string; readonly message: string },
  { server, said }: SmtpFailure,
): NotifyError {
  const socket = Object.entries(SOCKET).find(([name]) => message.includes(name))?.[1];
  const words = socket ?? WAY[code];
  if (words !== undefined) return new NotifyError(`${words} ${server}`, { retriable: true, cause });
  return new NotifyError(`mail to ${server} failed: ${said(message) ?? code}`, { retriable: code === 'ESOCKET', cause });
}

interface Answered {
  readonly responseCode: number;
  readonly response: string;
}
