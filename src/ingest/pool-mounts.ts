/** File systems that several hosts share. */
const SHARED = /^(?:nfs4?|cifs|smb3|ceph|gfs2|ocfs2|lustre|beegfs|gpfs|fuse\.(?:glusterfs|ceph.*|mfs|moosefs|quobyte.*|s3fs))$/;
/** Where CloudStack's agent mounts primary storage: `/mnt/<uuid of the pool>`. */
const CLOUDSTACK = /^\/mnt\/[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/;

/** Mount points that may be pools, of the text of `/proc/self/mountinfo` (proc(5)): shared file systems, and what CloudStack mounts. */
export function poolMounts(mountinfo: string): readonly string[] {
  const mounts = mountinfo.split('\n').flatMap((line) => {
    const [before = '', after = ''] = line.split(' - ');
    const point = unescaped(before.split(' ')[4] ?? '');
    const type = after.split(' ')[0] ?? '';
    return point !== '' && (SHARED.test(type) || CLOUDSTACK.test(point)) ? [point] : [];
  });
  return [...new Set(mounts)];
}

/** The kernel writes space, tab, line break and backslash as `\ooo`. */
function unescaped(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}
