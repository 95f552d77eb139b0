import { z } from 'zod';
import { createCloudstackApi, type CloudstackApiOptions, type CloudstackApiParts } from './cloudstack-api.ts';
import { NotifyError } from './notifier.ts';

/** A host that CloudStack has in maintenance, or moves there. */
export interface HostInMaintenance {
  /** As its agent and its logs name it. */
  readonly host: string;
  /** Its cluster in CloudStack. */
  readonly cluster: string;
  /** CloudStack's word: `PrepareForMaintenance` while its VMs leave, `Maintenance` when they have. */
  readonly state: string;
}

/** `ResourceState.isMaintenanceState` of CloudStack; `ErrorInPrepareForMaintenance` since 4.12. */
const STATES: ReadonlySet<string> = new Set([
  'PrepareForMaintenance',
  'ErrorInPrepareForMaintenance',
  'Maintenance',
  'ErrorInMaintenance',
]);

const listed = z.object({
  count: z.number().optional(),
  host: z
    .array(z.object({ name: z.string(), clustername: z.string().optional(), resourcestate: z.string().optional() }))
    .optional(),
});

/** A page of an answer: `default.page.size` of CloudStack, which it takes without a change of settings. */
const PAGE = 500;
const MOST_PAGES = 100;

/** Hosts in maintenance, asked of the management server. @throws NotifyError where it does not say. */
export async function hostsInMaintenance(
  options: CloudstackApiOptions,
  { signal, ...parts }: CloudstackApiParts & { readonly signal: AbortSignal },
): Promise<readonly HostInMaintenance[]> {
  const api = createCloudstackApi(options, parts);
  const found: HostInMaintenance[] = [];
  for (let page = 1, seen = 0; page <= MOST_PAGES; page += 1) {
    const asked = { type: 'Routing', page: String(page), pagesize: String(PAGE), details: 'min' };
    const answer = listed.safeParse(await api.call('listHosts', asked, signal));
    if (!answer.success)
      throw new NotifyError('the answer to listHosts is none of CloudStack', { retriable: true, cause: answer.error });
    const { count = 0, host: hosts = [] } = answer.data;
    for (const { name, clustername = '', resourcestate = '' } of hosts)
      if (STATES.has(resourcestate)) found.push({ host: name, cluster: clustername, state: resourcestate });
    seen += hosts.length;
    if (hosts.length === 0 || seen >= count) break;
  }
  return found;
}
