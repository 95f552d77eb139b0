import type { IncomingMessage, ServerResponse } from 'node:http';

/** What the engine says to a request. */
export interface Answer {
  readonly status: number;
  /** ClickHouse's number of the error; `null` where there is none. */
  readonly code: number | null;
  readonly bytes: Buffer;
  readonly rows: number;
}

/**
 * What can go wrong with a request:
 * - `refuse-503`: nothing was done, as while a server starts behind a proxy; `page-502`: a proxy's page
 * - `reset-in-request`: the connection breaks while the body comes
 * - `reset-after`: all was done, and the connection breaks before the answer
 * - `hang`: nothing is done and nothing answered; `hang-after`: all is done, nothing answered; `hang-in-answer`: half of it comes
 * - `half`: the connection breaks after half of the answer
 * - `half-500`: an error breaks off after half of its text
 * - `exception-in-answer`: as ClickHouse from 25.11 on ends an answer when it cannot go on
 * - any answer by its text, with its status, and its number where it is an error of ClickHouse
 */
export type Fault =
  | 'refuse-503'
  | 'page-502'
  | 'reset-in-request'
  | 'reset-after'
  | 'hang'
  | 'hang-after'
  | 'hang-in-answer'
  | 'half'
  | 'half-500'
  | 'exception-in-answer'
  | { readonly status: number; readonly code: number | null; readonly text: string };

/** A request, and what would be answered if nothing went wrong. */
export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  run(): Promise<Answer>;
  encode(bytes: Buffer): { readonly bytes: Buffer; readonly encoding: string | null };
}

/** `X-ClickHouse-Exception-Tag` is of random letters; its length is always this. */
const TAG = 'abcdefghijklmnop';

/** Answers a request, or does to it what the fault says. */
export async function breakOff(fault: Fault | null, exchange: Exchange): Promise<void> {
  const { request, response } = exchange;
  switch (fault) {
    case null:
      return whole(exchange, await exchange.run());
    case 'refuse-503':
      return void response.writeHead(503).end('starting');
    case 'page-502':
      return void response.writeHead(502, { 'content-type': 'text/html' }).end('<html><h1>502 Bad Gateway</h1></html>');
    case 'hang':
      return;
    case 'hang-after':
      return void (await exchange.run());
    case 'reset-in-request':
    case 'reset-after':
      await exchange.run();
      return void request.socket.destroy();
    case 'half':
    case 'hang-in-answer':
      return half(exchange, await exchange.run(), fault === 'half');
    case 'half-500':
      return half(
        exchange,
        { status: 500, code: 241, bytes: Buffer.from(`Code: 241. DB::Exception: ${'x'.repeat(500)}`), rows: 0 },
        true,
      );
    case 'exception-in-answer':
      return withException(exchange, await exchange.run());
    default:
      return whole(exchange, { ...fault, bytes: Buffer.from(`${fault.text}\n`), rows: 0 });
  }
}

function whole(exchange: Exchange, answer: Answer): void {
  const { bytes } = begin(exchange, answer);
  exchange.response.end(bytes);
}

function half(exchange: Exchange, answer: Answer, broken: boolean): void {
  const { bytes } = begin(exchange, answer);
  exchange.response.write(bytes.subarray(0, Math.ceil(bytes.length / 2)), () => {
    if (broken) exchange.request.socket.destroy();
  });
}

/** `\r\n__exception__\r\n`, tag, text, its length, tag and the marker again (src/Server/HTTP/WriteBufferFromHTTPServerResponse.cpp). */
function withException({ response }: Exchange, { bytes }: Answer): void {
  const text =
    'Code: 241. DB::Exception: Query memory limit exceeded. (MEMORY_LIMIT_EXCEEDED) (version 26.7.2.1 (official build))\n';
  const mark = `\r\n__exception__\r\n${TAG}\r\n${text}${Buffer.byteLength(text)} ${TAG}\r\n__exception__\r\n`;
  response.writeHead(200, { 'x-clickhouse-exception-tag': TAG });
  response.end(Buffer.concat([bytes.subarray(0, bytes.lastIndexOf(10) + 1), Buffer.from(mark)]));
}

function begin({ response, encode }: Exchange, { status, code, bytes, rows }: Answer): { readonly bytes: Buffer } {
  const { bytes: sent, encoding } = encode(bytes);
  response.writeHead(status, {
    'content-type': 'text/plain; charset=UTF-8',
    'keep-alive': 'timeout=30',
    'x-clickhouse-summary': JSON.stringify({ read_rows: String(rows), result_rows: String(rows) }),
    'x-clickhouse-exception-tag': TAG,
    ...(code === null ? {} : { 'x-clickhouse-exception-code': String(code) }),
    ...(encoding === null ? {} : { 'content-encoding': encoding }),
  });
  return { bytes: sent };
}
