import { loadConfig } from '../config.ts';
import { sqlAnswer } from '../forensics/sql-answer.ts';
import type { Questions } from '../forensics/questions.ts';
import type { Answer } from '../model/answer.ts';
import { answerTable } from '../reports/answer-table.ts';
import { answerCsv, answerJson } from '../reports/answer-text.ts';
import type { Terminal } from './analyze.ts';
import { openQuestions } from './open-questions.ts';
import { QUERY_HELP, queryOptions, type QueryOptions } from './query-options.ts';

/** What commands that ask need of the process they run in. */
export interface AskContext {
  readonly terminal: Terminal;
  readonly env: NodeJS.ProcessEnv;
  /** Says something that is not part of the answer. */
  note(text: string): void;
}

/**
 * `precopy query`: prints the answer to a question, and returns the exit status.
 *
 * @throws AppError `usage`, `no-input`, or what the store says of the question.
 */
export async function query(args: readonly string[], { terminal, env, note }: AskContext): Promise<number> {
  const options = queryOptions(args, Date.now());
  if (options === null) {
    terminal.out(QUERY_HELP);
    return 0;
  }
  const opened = await openQuestions(loadConfig(options.config, env));
  try {
    const answer = await answerOf(opened, options);
    if (options.format === 'json') terminal.out(answerJson(answer));
    else if (options.format === 'csv') terminal.out(answerCsv(answer));
    else if (answer.rows.length > 0) terminal.out(answerTable(answer, terminal));
    if (answer.rows.length === 0) note(nothing(options));
    if (answer.truncated) note(`the first ${answer.rows.length} rows; there may be more: --limit ${answer.rows.length * 10}`);
    return 0;
  } finally {
    await opened.close();
  }
}

async function answerOf(opened: Questions, { asked, filter }: QueryOptions): Promise<Answer> {
  return 'sql' in asked ? sqlAnswer(await opened.sql(asked.sql, filter.limit)) : opened.ask(asked.name, filter);
}

function nothing({ asked, filter }: QueryOptions): string {
  const restricted = Object.keys(filter).some((key) => key !== 'limit');
  return 'name' in asked && restricted ? 'no rows: nothing stored is of this time, host, VM or cluster' : 'no rows';
}
