import { headWords } from '../incident/head-words.ts';
import type { Page } from './page.ts';
import { fold } from './text.ts';

/** What was read, of when, and in which zone the files write their times. */
export function header(page: Page): readonly string[] {
  const { read, zones, warnings, skews } = headWords(page.analysis, page.allEvidence);
  const hanging = (text: string): readonly string[] => fold(page.show(text), page.width - 2).map((line) => `  ${line}`);
  return [
    ...fold(page.show(`precopy: ${read}`), page.width),
    ...(zones === null ? [] : hanging(zones).map((line) => page.paint('dim', line))),
    ...warnings.flatMap((text) => hanging(text).map((line) => page.paint('warning', line))),
    ...skews.flatMap(hanging),
  ];
}
