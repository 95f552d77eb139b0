/** File systems that several hosts share. */
const SHARED = /^(?:nfs4?|cifs|smb3|ceph|gfs2|ocfs2|lustre|beegfs|gpfs|fuse\.(?:glusterfs|ceph.*|mfs|moosefs|quobyte.*|s3fs))$/;
/** Where CloudStack's agent mounts primary storage: `/mnt/<uuid of the pool>`. */
const CLOUDSTACK = /^\/mnt\/[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/;

/** A mount, as the kernel lists it. */
export interface Mount {
  readonly point: string;
  readonly type: string;
  readonly source: string;
  /** Of the mount and of its file system. */
  readonly options: string;
}

/** Mounts of the text of `/proc/self/mountinfo` (proc(5)). */
export function mountsOf(mountinfo: string): readonly Mount[] {
  return mountinfo.split('\n').flatMap((line) => {
    const [before = '', after = ''] = line.split(' - ');
    const [, , , , point = '', own = ''] = before.split(' ');
    const [type = '', source = '', options = ''] = after.split(' ');
    return point === '' ? [] : [{ point: unescaped(point), type, source: unescaped(source), options: `${own},${options}` }];
  });
}

/** Mount points that may be pools: shared file systems, and what CloudStack mounts. */
export function poolMounts(mountinfo: string): readonly string[] {
  const pools = mountsOf(mountinfo).filter(({ point, type }) => SHARED.test(type) || CLOUDSTACK.test(point));
  return [...new Set(pools.map(({ point }) => point))];
}

/** The kernel writes space, tab, line break and backslash as `\ooo`. */
function unescaped(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}
