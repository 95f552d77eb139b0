/** `Logger` column of the class that runs a migration on the source. */
export const MIGRATE_WRAPPER = 'resource.wrapper.LibvirtMigrateCommandWrapper';

interface Head {
  /** INFO unless said. */
  readonly level?: 'DEBUG' | 'INFO' | 'WARN' | 'ERROR';
  /** {@link MIGRATE_WRAPPER} unless said. */
  readonly logger?: string;
  readonly thread?: string;
  /** Empty for threads that serve no request, and everywhere in agents 4.20.1–4.20.3. */
  readonly logid?: string;
}

/** How a record of agents up to 4.6 begins: log4j 1, no logid column. */
export function log4j1WithoutLogid(at: string, head: Head = {}): string {
  const { level = 'INFO', logger = MIGRATE_WRAPPER, thread = 'agentRequest-Handler-3' } = head;
  return `${at} ${level.padEnd(5)} [${logger}] (${thread}:null) `;
}

/** How a record of agents 4.7–4.19 begins: log4j 1. */
export function log4j1(at: string, head: Head = {}): string {
  return `${log4j1WithoutLogid(at, head)}(logid:${head.logid ?? '5f2c91ab'}) `;
}

/** How a record of agents from 4.20 on begins: log4j 2. */
export function log4j2(at: string, head: Head = {}): string {
  const { level = 'INFO', logger = MIGRATE_WRAPPER, thread = 'AgentRequest-Handler-4', logid = '9a0be4f7' } = head;
  return `${at} ${level.padEnd(5)} [${logger}] (${thread}:[]) (logid:${logid}) `;
}
